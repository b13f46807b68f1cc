package report

import "strings"

// meaning says in a sentence what a sign stands for, by the beginning of its name; the
// first that fits.
func meaning(id string) T {
	for _, m := range meanings() {
		for _, prefix := range strings.Fields(m.of) {
			if strings.HasPrefix(id, prefix) {
				return m.text
			}
		}
	}
	return T{"See SCHEMA.md of the collector for this sign.", "この痕跡の説明は収集器の SCHEMA.md を参照。"}
}

type meaningOf struct {
	of   string
	text T
}

func meanings() []meaningOf {
	return []meaningOf{
		{"image-memfd image-shm map-memfd map-elf map-pe map-image-no-file", T{"a program was loaded straight into memory: on the disk there is no file of it, and it is gone at power-off", "プログラムが直接メモリーへ読み込まれています。ディスクにファイルはなく、電源を切ると失われます"}},
		{"image-deleted map-image-deleted map-deleted script-deleted", T{"the file of something that runs was removed: a common way to leave nothing on the disk", "実行中のもののファイルが削除されています。ディスクに痕跡を残さない常套手段です"}},
		{"image-replaced map-image-replaced image-renamed image-base image-entry module-image", T{"what runs is not what its name leads to: another program may have been put in its place", "実行中のものと名前の指すものが異なります。別のプログラムにすり替えられた可能性があります"}},
		{"image-strange image-unpackaged driver-strange module-beside", T{"it runs from a place where software is usually not installed", "通常ソフトウェアが導入されない場所から動作しています"}},
		{"map-text map-vdso hook-export hook-callback kernel-syscall kernel-ftrace kernel-kprobe", T{"code that everybody relies on was changed in memory: whoever did it can watch or alter what programs see", "皆が依拠するコードがメモリー上で変更されています。プログラムの見るものを盗み見・改変できます"}},
		{"map-", T{"there is code in memory that belongs to no file: it may have been injected", "どのファイルにも属さないコードがメモリーにあります。注入された可能性があります"}},
		{"hidden-", T{"something is there that a view of the system does not show: it may be hidden on purpose", "システムのある視点から見えないものが存在します。意図的に隠されている可能性があります"}},
		{"identity-kernel identity-system identity-argv identity-environ identity-path identity-command", T{"it calls itself otherwise than it is, so that a look at the list of processes does not stop at it", "実際と異なる名を名乗っています。プロセス一覧で見過ごされるための偽装の可能性があります"}},
		{"identity-parent", T{"who started it is not who seems to have: the way by which it came to run is covered", "見かけの親プロセスが実際と異なり、起動の経緯が隠されています"}},
		{"hook-ld", T{"a library is loaded into programs before all others and can change what they do", "他より先に読み込まれるライブラリがあり、プログラムの動作を変え得ます"}},
		{"hook-tracer hook-memory handle-", T{"another process can read or change the memory of this one: passwords and keys lie there", "別のプロセスがこのメモリーを読み書きできます。パスワードや鍵が含まれ得ます"}},
		{"module-", T{"a library was loaded past the system's own way: it may have been injected", "正規の手順を経ずに読み込まれたライブラリです。注入された可能性があります"}},
		{"net-shell", T{"somebody far away may be typing into a shell on this machine", "遠隔の何者かがこの端末のシェルを操作している可能性があります"}},
		{"net-", T{"a program listens to or steers traffic past the usual way: sniffers and backdoors that wait for a secret packet do so", "通常の経路外で通信を盗聴・制御しています。スニファや合図を待つバックドアに見られます"}},
		{"driver- kernel-", T{"something runs in the kernel, where it can do and hide everything", "カーネル内で動作しており、あらゆることを行い、隠すことができます"}},
	}
}
