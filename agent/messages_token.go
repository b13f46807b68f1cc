package main

var mHintTokenFile = message{"@FILE is a file that holds the token and nothing else; - reads it from the standard input", "@FILE は登録券だけを書いたファイル、- は標準入力です"}
