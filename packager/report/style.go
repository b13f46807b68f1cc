package report

// style is the looks: quiet on a screen, plain on paper. Nothing is fetched: the fonts are
// those of the reader's machine.
const style = `
:root{--ink:#1b2733;--soft:#566473;--line:#dce2e8;--wash:#f5f7f9;--brand:#0d5163;--pale:#e9f1f3;--red:#9f1d17;--redp:#fcefed;--amber:#7d5200;--amberp:#fcf5e5;--green:#1a6440;--greenp:#ecf5ef;color-scheme:light}
*{box-sizing:border-box}
a{color:var(--brand)}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.6 system-ui,-apple-system,"Segoe UI","Hiragino Sans","Noto Sans CJK JP","Noto Sans JP","Yu Gothic UI",Meiryo,sans-serif;overflow-wrap:anywhere}
.sw{position:absolute;opacity:0;pointer-events:none}
#lang-en:checked~.doc .ja,#lang-ja:checked~.doc .en{display:none}
.doc{display:grid;grid-template-columns:15.5rem minmax(0,1fr);max-width:84rem;margin:0 auto}
.bar{grid-column:1/-1;display:flex;justify-content:space-between;align-items:center;gap:1rem;padding:.7rem 2rem;border-bottom:1px solid var(--line)}
.bar b{letter-spacing:.04em;color:var(--brand)}
.langs{display:flex;border:1px solid var(--line);border-radius:6px;overflow:hidden}
.langs label{padding:.15rem .8rem;cursor:pointer;color:var(--soft)}
#lang-en:checked~.doc label[for=lang-en],#lang-ja:checked~.doc label[for=lang-ja]{background:var(--brand);color:#fff}
.sw:focus-visible~.doc .langs,.more:focus-visible+label{outline:2px solid var(--brand);outline-offset:2px}
nav{padding:1.6rem 1rem 1.6rem 2rem;font-size:.86rem;position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto}
nav ol{list-style:none;margin:0;padding:0}
nav a{display:flex;gap:.6rem;padding:.22rem 0;color:var(--soft);text-decoration:none}
nav a:hover{color:var(--brand)}
nav .no{min-width:1.3rem;text-align:right;color:#7d8a97;font-variant-numeric:tabular-nums}
main{padding:1.6rem 2rem 4rem;min-width:0}
h1{font-size:1.65rem;line-height:1.3;margin:0 0 .3rem;font-weight:650}
h2{font-size:1.22rem;margin:0 0 .7rem;padding-bottom:.35rem;border-bottom:2px solid var(--brand);display:flex;gap:.7rem;align-items:baseline}
h2 .no{color:var(--brand);font-variant-numeric:tabular-nums}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
section{margin-top:2.8rem}
p{margin:.5rem 0;max-width:50rem}
.sub{color:var(--soft);margin:0}
.note{color:var(--soft);font-size:.9rem}
.warn,.cut{background:var(--amberp);color:var(--amber);padding:.4rem .7rem;border-radius:6px}
.band{border-radius:8px;padding:.9rem 1.1rem;margin:1.1rem 0;border-left:5px solid var(--soft);background:var(--wash)}
.band p{margin:.2rem 0}.band strong{font-size:1.06rem}
.band.good{border-color:var(--green);background:var(--greenp)}.band.bad{border-color:var(--red);background:var(--redp)}.band.mid{border-color:#c08a1c;background:var(--amberp)}
.tiles{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.7rem;margin:1.1rem 0}
.tiles a{border:1px solid var(--line);border-radius:8px;padding:.65rem .85rem;text-decoration:none;color:inherit;display:block}
.tiles a:hover{border-color:var(--brand)}
.tiles b{display:block;font-size:1.38rem;line-height:1.3;font-weight:650;font-variant-numeric:tabular-nums}
.tiles .hot b{color:var(--red)}.tiles .mid b{color:var(--amber)}
.tiles span{font-size:.84rem;color:var(--soft)}
.facts{margin:.6rem 0;display:grid;gap:0;border-top:1px solid var(--line)}
.facts div{display:grid;grid-template-columns:13rem minmax(0,1fr);gap:1rem;border-bottom:1px solid var(--line);padding:.34rem 0}
.facts dt{color:var(--soft);font-size:.9rem}.facts dd{margin:0}
code,.mono{font:.86em/1.5 ui-monospace,SFMono-Regular,Consolas,"Noto Sans Mono","Noto Sans Mono CJK JP",monospace}
.hash{font-size:1rem;letter-spacing:.02em;font-weight:600}
i.x{font-style:normal;font-size:.78em;background:var(--redp);color:var(--red);border-radius:3px;padding:0 .2em;margin:0 .08em;unicode-bidi:isolate}
bdi{unicode-bidi:isolate}
.t{margin:.8rem 0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.88rem}
td{min-width:5.2rem}td:where(:last-child:not(.r)){min-width:14rem}td:has(>.note){min-width:10rem}td:has(>time){min-width:9.5rem}td.r,td:has(>.box),td:has(>.lv){min-width:0}th,td{text-align:left;vertical-align:top;padding:.38rem .65rem;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th{background:var(--wash);font-weight:600;color:var(--soft);font-size:.82rem;white-space:nowrap}
.scripted th{cursor:pointer}
th[aria-sort]:after{content:" ▲"}th[aria-sort=descending]:after{content:" ▼"}
td.r,th.r{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td time{white-space:nowrap;font-variant-numeric:tabular-nums}
td code{display:inline-block;min-width:9rem}
tr.m3 td:first-child{box-shadow:inset 3px 0 var(--red)}tr.m2 td:first-child{box-shadow:inset 3px 0 #c08a1c}
tbody.rest,.hide{display:none}
.more:checked~.scroll tbody.rest,.finding tbody.rest{display:table-row-group}
label.more{display:inline-block;margin:0 0 .4rem;color:var(--brand);cursor:pointer;font-size:.88rem;text-decoration:underline;text-underline-offset:3px}
.more:checked+label{display:none}
.folded,.find{display:none}
.scripted .find{display:block;width:min(22rem,100%);margin:0 0 .4rem;padding:.3rem .6rem;border:1px solid var(--line);border-radius:6px;font:inherit;font-size:.88rem}
.lv{display:inline-block;white-space:nowrap;min-width:3.2rem;text-align:center;border-radius:4px;padding:0 .45rem;font-size:.8rem;background:var(--wash);color:var(--soft)}
.l3{background:var(--redp);color:var(--red)}.l2{background:var(--amberp);color:var(--amber)}
.card{border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;margin:.7rem 0}
.card.m3{border-left:4px solid var(--red)}.card.m2{border-left:4px solid #c08a1c}
.card h3{margin:0 0 .4rem;display:flex;flex-wrap:wrap;gap:.5rem .7rem;align-items:baseline}
.card p{margin:.25rem 0;font-size:.92rem}
.card .t{margin:.5rem 0 0}.card .k{color:var(--soft)}
.box{display:inline-block;width:1.15em;height:1.15em;line-height:1.1em;border:1.5px solid var(--soft);border-radius:3px;text-align:center;font-weight:700}
.box.on{border-color:var(--green);color:var(--green)}
.line{display:inline-block;min-width:11rem;width:100%;border-bottom:1px solid #8b97a3;height:1.5em}
.sign td{height:3.4rem}
.sign td:empty{min-width:6rem}
.d0,.d1,.d2,.d3,.d4,.d5,.d6,.d7,.d8,.d9{white-space:nowrap}.d0{padding-left:0}.d1{padding-left:1rem}.d2{padding-left:2rem}.d3{padding-left:3rem}.d4{padding-left:4rem}.d5{padding-left:5rem}.d6{padding-left:6rem}.d7{padding-left:7rem}.d8{padding-left:8rem}.d9{padding-left:9rem}
.d1:before,.d2:before,.d3:before,.d4:before,.d5:before,.d6:before,.d7:before,.d8:before,.d9:before{content:"└ ";color:#a3aeb9}
.qr{width:11rem;height:11rem;background:#fff;padding:.5rem;border:1px solid var(--line);border-radius:8px;flex:none}
.with{display:flex;gap:1.4rem;align-items:flex-start}.with>div{min-width:0;flex:1}
.chart{display:grid;grid-template-columns:8.2rem minmax(0,1fr);border:1px solid var(--line);border-radius:8px;overflow:hidden}
.names{border-right:1px solid var(--line);font-size:.8rem;color:var(--soft)}
.names div{height:48px;padding:.3rem .6rem;border-bottom:1px solid var(--line);line-height:1.25}.names div.axis{height:34px}
.names div:last-child{border:0}
.pan{overflow-x:auto}
.pan svg{display:block;height:274px;width:100%}
#z2:checked~.chart svg{width:300%}#z3:checked~.chart svg{width:1000%}
.zoom{display:inline-block;margin:0 .3rem .5rem 0;padding:.1rem .7rem;border:1px solid var(--line);border-radius:6px;font-size:.86rem;cursor:pointer;color:var(--soft)}
#z1:checked~label[for=z1],#z2:checked~label[for=z2],#z3:checked~label[for=z3]{background:var(--brand);color:#fff}
svg .b0{fill:#2f7d5b}svg .b1{fill:#2b6f9e}svg .b2{fill:#8796a5}svg .b3{fill:#7a56a3}svg .b4{fill:#b8860b}
svg .grid{stroke:var(--line)}svg text{font:11px system-ui,sans-serif;fill:#566473}svg .night{fill:#f5f7f9}svg .run{fill:#f3d9d6}
svg .hr{display:none}#z3:checked~.chart .hr{display:inline}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:1rem;color:var(--soft);font-size:.84rem}
@media(max-width:60rem){
.doc{display:block}.bar{padding:.6rem 1rem}
nav{position:static;padding:.8rem 1rem;max-height:none;border-bottom:1px solid var(--line);background:var(--wash)}
nav ol{columns:2;column-gap:1rem}nav a{break-inside:avoid}
main{padding:1.1rem 1rem 3rem}
h1{font-size:1.35rem}
.facts div{grid-template-columns:1fr;gap:0}
.with{display:block}.qr{margin-bottom:.8rem}
.chart{grid-template-columns:5.4rem minmax(0,1fr)}.names div{padding:.3rem .4rem;font-size:.72rem}
#z1:checked~.chart svg{width:220%}#z2:checked~.chart svg{width:600%}#z3:checked~.chart svg{width:1800%}
th,td{padding:.34rem .5rem}}
@media(max-width:40rem){
.steps thead,.asks thead{display:none}.steps .scroll,.asks .scroll{border:0}
.steps tr{display:grid;grid-template-columns:2.2rem 1fr 1fr;gap:.2rem .6rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
.steps td,.asks td{border:0;padding:0;min-width:0;display:block}.steps td:nth-child(2){grid-column:2/-1}.steps td:nth-child(3){grid-column:2}
.asks tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}
.steps .line,.asks .line{min-width:0}td time{white-space:normal}
.tiles b{font-size:1.12rem}.tiles a{padding:.5rem .6rem}}
@page{size:A4;margin:15mm 13mm 16mm;@bottom-center{content:counter(page) " / " counter(pages);font:9pt sans-serif;color:#566473}}
@media print{
html{font-size:9.5pt}body{font-size:9.5pt;line-height:1.45}h1{font-size:16pt}
.doc{display:block;max-width:none}.bar,.find,.scripted .find,label.more,.zoom,nav{display:none}
main{padding:0}section{margin-top:8mm}
h2,h3{break-after:avoid}tr,.card,.band,.tiles,.facts div,.chart,.with{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible;border-radius:0}.pan{overflow:hidden}
table{font-size:8pt}th,td{padding:1.2mm 1.6mm}td code{min-width:0}th{white-space:normal}
.folded{display:block;font-size:8pt;color:#566473;margin:.2rem 0}.more:checked~.folded{display:none}
.pan svg,#z1:checked~.chart svg,#z2:checked~.chart svg,#z3:checked~.chart svg{width:100%!important}
.chart{grid-template-columns:26mm minmax(0,1fr)}.names div{padding:1mm 1.5mm;font-size:8pt}
.facts div{grid-template-columns:46mm minmax(0,1fr);gap:4mm}.with{display:flex}.qr{width:34mm;height:34mm}
td .note{font-size:7.5pt}.steps tr,.asks tr{display:table-row}.steps td,.asks td{display:table-cell;border-bottom:1px solid var(--line);padding:1.2mm 1.6mm}.steps thead,.asks thead{display:table-header-group}
.page{break-before:page}
a{color:inherit;text-decoration:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.sign td{height:14mm}}
`

// script folds, filters and sorts what is in the page already. The page is whole without it.
const script = `
(function(){
var d=document;d.documentElement.className='scripted';
function lang(){d.documentElement.lang=d.getElementById('lang-ja').checked?'ja':'en'}
d.getElementById('lang-en').onchange=d.getElementById('lang-ja').onchange=lang;
function each(l,f){for(var i=0;i<l.length;i++)f(l[i],i)}
each(d.querySelectorAll('.t'),function(t){
 var f=t.querySelector('.find'),tb=t.querySelectorAll('tbody'),first=tb[0].rows.length;
 function rows(){var a=[];each(tb,function(b){each(b.rows,function(r){a.push(r)})});return a}
 if(f)f.oninput=function(){
  var q=f.value.toLowerCase();t.classList.toggle('finding',q!=='');
  rows().forEach(function(r){r.classList.toggle('hide',q!==''&&r.textContent.toLowerCase().indexOf(q)<0)})};
 each(t.querySelectorAll('th'),function(h,i){
  h.tabIndex=0;
  function sort(){
   var down=h.getAttribute('aria-sort')==='ascending',a=rows();
   each(t.querySelectorAll('th'),function(o){o.removeAttribute('aria-sort')});
   h.setAttribute('aria-sort',down?'descending':'ascending');
   function key(r){var c=r.cells[i];if(!c)return '';var k=c.getAttribute('data-k');return k===null?c.textContent:+k}
   a.sort(function(x,y){var p=key(x),q=key(y),n=typeof p==='number'&&typeof q==='number'?p-q:String(p).localeCompare(String(q));return down?-n:n});
   a.forEach(function(r,n){(n<first||!tb[1]?tb[0]:tb[1]).appendChild(r)})}
  h.onclick=sort;h.onkeydown=function(e){if(e.key==='Enter')sort()}})});
each(d.querySelectorAll('.pan'),function(p){
 var s=p.querySelector('svg'),drag=null;
 p.addEventListener('wheel',function(e){
  if(!e.ctrlKey&&!e.shiftKey)return;e.preventDefault();
  var w=s.getBoundingClientRect().width,x=p.scrollLeft+e.clientX-p.getBoundingClientRect().left,n=Math.min(Math.max(w*(e.deltaY<0?1.25:.8),p.clientWidth),p.clientWidth*40);
  s.style.width=n+'px';p.scrollLeft+=x*(n/w-1)},{passive:false});
 p.onpointerdown=function(e){drag=[e.clientX,p.scrollLeft]};
 p.onpointermove=function(e){if(drag)p.scrollLeft=drag[1]+drag[0]-e.clientX};
 p.onpointerup=p.onpointerleave=function(){drag=null};
 p.scrollLeft=p.scrollWidth});
each(d.querySelectorAll('[name=zoom]'),function(z){z.onchange=function(){each(d.querySelectorAll('.pan svg'),function(s){s.style.width='';s.parentNode.scrollLeft=s.parentNode.scrollWidth})}});
})();
`
