package ja

import "strings"

// Usage gives the Japanese of the headings that cobra writes around the help of a command,
// and of what pflag says of a default. Names, and the texts of the command itself, stay.
func Usage(help string) string {
	return strings.NewReplacer("Usage:\n", "使い方:\n", "Aliases:\n", "別名:\n", "Examples:\n", "例:\n", "Available Commands:\n", "コマンド:\n",
		"Additional Commands:\n", "ほかのコマンド:\n", "Global Flags:\n", "共通の指定:\n", "Flags:\n", "指定:\n", "[flags]", "[指定]", " (default ", " (既定: ",
		"Use \"", "`", " [command] --help\" for more information about a command.", " [command] --help` で各コマンドの説明を表示します。").Replace(help)
}
