package report

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"hozen/packager/report/page"
)

// verdict is section 2.
func (r *rep) verdict() page.Node {
	g, v := &r.Genesis, r.Verified
	if v == nil {
		return section(2, titles()[1],
			p(T{"This report was written into the archive before its seal, so it can say no verdict. Check the archive with the command below, on another machine.", "この報告書は封印前にアーカイブ内へ書かれたため、検証結果を述べられません。別の端末で次のコマンドにより確認してください。"}),
			page.El("p", "", page.El("code", "", page.Text("hozen verify --fingerprint "), page.Host(r.Fingerprint, 100), page.Text(" "), page.Host(firstOf(r.Archive, g.Collection+".tar.zst"), 120))),
			page.El("div", `class="with"`, picture("hozen "+g.Collection+"\nfingerprint "+r.Fingerprint+"\n"), page.El("div", "", facts(
				fact{T{"Collection", "収集 ID"}, code(g.Collection)},
				fact{T{"Device key", "端末の鍵のフィンガープリント"}, page.El("code", `class="hash"`, page.Host(r.Fingerprint, 100))},
				fact{T{"Head hash", "ヘッド"}, say(T{"is known after the seal; the tool printed it", "封印後に定まり、ツールが表示します"})},
			))), r.throwaway())
	}
	head, _ := verdictWords(v.Verdict)
	return section(2, titles()[1],
		page.El("p", "", page.El("strong", "", say(head))),
		page.El("div", `class="with"`, picture(fmt.Sprintf("hozen %s\nhead %s\nfingerprint %s\n", v.Collection, v.Head, v.Fingerprint)), page.El("div", "", facts(
			fact{T{"Head hash", "ヘッド"}, orNotKnown(v.Head, page.El("code", `class="hash"`, page.Host(v.Head, 80)))},
			fact{T{"Device key", "端末の鍵のフィンガープリント"}, orNotKnown(v.Fingerprint, page.El("code", `class="hash"`, page.Host(v.Fingerprint, 100)))},
			fact{T{"Signed by", "署名者"}, orNotKnown(v.Device, page.Host("device:"+v.Device, 100))},
			fact{T{"Collection", "収集 ID"}, orNotKnown(v.Collection, code(v.Collection))},
			fact{T{"File", "ファイル"}, page.All(code(r.Archive), page.Text(", "), bytesNode(v.Bytes))},
			fact{T{"Authentic", "真正な範囲"}, say(T{"%1 of %2 bytes, up to checkpoint %3", "%2 バイト中 %1 バイト(区切り署名 %3 まで)"}, count(v.AuthenticBytes), count(v.Bytes), count(int64(v.Checkpoint)))},
		))),
		r.axes(), r.anchors(), r.said(), r.throwaway())
}

func (r *rep) throwaway() page.Node {
	if !r.Throwaway {
		return nil
	}
	return note(T{"The device key was made for this collection alone: only the paper with its fingerprint says whose it is.", "端末の鍵はこの収集のためだけに作られました。誰の鍵かを示すのは、フィンガープリントを書き留めた紙だけです。"})
}

// picture is a QR code; nothing where the text does not fit.
func picture(text string) page.Node {
	q, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil
	}
	const quiet = 4
	return page.Squares(`class="qr" role="img" aria-label="QR"`, q.Size+2*quiet, func(x, y int) bool { return q.Black(x-quiet, y-quiet) })
}

func (r *rep) axes() page.Node {
	a := r.Verified.Axes
	if r.Verified.Checkpoint == 0 && r.unread() { // of nothing, neither a clock nor a cipher is known
		a.Time = ""
		if !r.Verified.Encrypted {
			a.Confidentiality = ""
		}
	}
	return page.All(sub(T{"The questions behind it", "検証の観点"}), facts(
		fact{T{"Unchanged?", "改変の有無"}, r.axis(a.Integrity)},
		fact{T{"Complete?", "完全性"}, r.axis(a.Completeness)},
		fact{T{"Who signed?", "署名者の信頼"}, r.axis(a.Signer)},
		fact{T{"Whose time?", "時刻の根拠"}, r.axis(a.Time)},
		fact{T{"Custody log", "保管記録"}, r.axis(a.Custody)},
		fact{T{"Confidential?", "秘匿性"}, r.axis(a.Confidentiality)},
	))
}

// axis says a word of the verification in both languages, where it is one that is known.
func (r *rep) axis(s string) page.Node {
	if s == "" {
		return notKnown()
	}
	t, known := map[string]T{
		"verified": {"verified", "改変なし(検証済み)"}, "contradicted": {"contradicted", "矛盾あり"}, "none": {"none", "なし"}, "sealed": {"complete, sealed", "完全(封印済み)"},
		"trusted": {"trusted", "信頼できる"}, "trusted by fingerprint": {"trusted by the fingerprint on paper", "紙のフィンガープリントにより信頼"}, "untrusted": {"not trusted here", "未確認"},
		"by the host's own clock": {"by the machine's own clock", "対象端末自身の時計"}, "not encrypted": {"not encrypted", "暗号化なし"}, "encrypted, contents not seen": {"encrypted, contents not seen", "暗号化あり(内容は未確認)"}, "no log": {"no log at hand", "保管記録なし"},
		"head hash given by hand": {"head hash, as it stands on paper", "紙に記したヘッド"}, "key fingerprint given by hand": {"fingerprint of the key, as it stands on paper", "紙に記した鍵のフィンガープリント"},
		"custody log, if this copy of it was kept elsewhere": {"custody log, if this copy of it was kept elsewhere", "保管記録(別の場所に保管された写しであれば)"},
	}[s]
	if known {
		return say(t)
	}
	return r.sentence(s, 300)
}

// anchors are what binds the archive from outside.
func (r *rep) anchors() page.Node {
	list := r.Verified.Axes.Anchors
	if len(list) == 0 {
		return page.All(sub(T{"Anchors outside of the archive", "アーカイブ外の裏付け"}),
			page.El("p", `class="note warn"`, say(T{"None was given. Without one, whoever held the machine and its key afterwards could have made another plausible archive. Paper with head hash and fingerprint, a receipt, a time stamp or a witness's signature closes this.", "示されていません。裏付けがなければ、後に端末と鍵を得た者が別のもっともらしいアーカイブを作り得ます。ヘッドとフィンガープリントを記した紙、受領証、タイムスタンプ、立会人の署名がこれを防ぎます。"})))
	}
	return page.All(sub(T{"Anchors outside of the archive", "アーカイブ外の裏付け"}), page.El("ul", "", page.Each(list, func(s string) page.Node {
		return page.El("li", "", r.axis(s))
	})))
}

// said are the notes of the verification.
func (r *rep) said() page.Node {
	if len(r.Verified.Notes) == 0 {
		return nil
	}
	return page.All(sub(T{"Notes of the verification", "検証時の注記"}), page.El("ul", "", page.Each(r.Verified.Notes[:min(len(r.Verified.Notes), 50)], func(s string) page.Node {
		return page.El("li", "", r.sentence(s, 500))
	})))
}

// limits is section 15.
func (r *rep) limits() page.Node {
	list := []T{
		{"VALID means: these bytes are what a tool with this device key wrote in this collection, in that order, complete to its seal, and nobody changed them later without that showing. It does not mean that the machine told the truth: malware in its kernel can lie to any tool.", "VALID は「この端末の鍵を持つツールがこの収集で書いたバイト列そのままで、順序も封印までの完全性も保たれ、後の改変があれば判明する」ことを意味します。端末が真実を述べたことは意味しません。カーネル内のマルウェアはどのツールも欺けます。"},
		{"An archive that ends early cannot tell a power cut from a deliberate one. A custody log, receipt or time stamp kept elsewhere can.", "途中で終わるアーカイブだけでは、停電か故意の中断かを区別できません。別の場所の保管記録・受領証・タイムスタンプがあれば区別できます。"},
		{"Without one anchor outside, somebody who had full control of the machine and a key in a file can make a new plausible archive.", "外部の裏付けが一つもなければ、端末を完全に掌握しファイル上の鍵を得た者は、もっともらしい別のアーカイブを作れます。"},
		{"Times are the machine's own. Section 5 shows what is known of its clock.", "時刻は端末自身のものです。時計について分かることは第 5 章にあります。"},
		{"An indicator says how unusual a sign is, not that the machine is infected. No indicator is no proof of health.", "痕跡の段階は珍しさを示すもので、感染の断定ではありません。痕跡がないことは健全の証明ではありません。"},
		{"The newest lines can be cut off a custody log; its copy elsewhere shows it.", "保管記録の末尾は切り落とされ得ます。別の場所の写しで判明します。"},
		{"This report is a view of the archive. Where they differ, the archive counts. It is never \"court-proof\".", "本報告書はアーカイブの見やすい写しです。相違があればアーカイブが優先します。「裁判で必ず通る」ものではありません。"},
	}
	return section(15, titles()[14], page.El("ul", "", page.Each(list, func(t T) page.Node { return page.El("li", "", say(t)) })))
}

// hostLine says which machine, in a line.
func (r *rep) hostLine() string {
	h := &r.Genesis.Host
	return strings.Join(present(h.Name, h.OS, h.Make, h.Model, h.Serial), ", ")
}
