import { createHash } from 'node:crypto'

/** All that a page of ours looks like. No file, font or picture is loaded: it can be saved and sent. */
export const INVOICE_STYLE = `
:root{color-scheme:light dark;--ink:#1a1f2b;--grey:#5d6675;--rule:#d7dbe2;--paper:#fff;--desk:#f2f4f7;--good:#16794a;--bad:#b3261e;--quiet:#5d6675}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaf0;--grey:#9aa3b2;--rule:#343a46;--paper:#171a21;--desk:#0e1015;--good:#5fd19a;--bad:#ff8a80;--quiet:#9aa3b2}}
*{box-sizing:border-box}
body{margin:0;padding:32px 16px;background:var(--desk);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:820px;margin:0 auto;padding:48px;background:var(--paper);border:1px solid var(--rule);border-radius:10px}
header{display:flex;justify-content:space-between;align-items:baseline;gap:24px}
h1{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px;margin:0;font-size:30px;line-height:1.2}
.seller{font-weight:600;text-align:right}
.stamp{padding:3px 9px;border:1.5px solid;border-radius:4px;font-size:13px;line-height:1.3;letter-spacing:.04em}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 20px;margin:24px 0}
dt,.role,small,th,footer{color:var(--grey)}
dd{margin:0}
.parties{display:grid;grid-template-columns:1fr 1fr;gap:24px}
.parties p{margin:2px 0}
.name{font-weight:600}
.headline{margin:32px 0 16px;font-size:20px;font-weight:600}
table{width:100%;border-collapse:collapse}
th{padding:6px 0 6px 16px;border-bottom:1px solid var(--ink);font-size:13px;font-weight:400;text-align:right;white-space:nowrap}
td{padding:10px 0 10px 16px;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{padding-left:0;text-align:left}
td.number{white-space:nowrap}
small{display:block;font-size:13px}
.totals{display:grid;grid-template-columns:1fr max-content;row-gap:6px;width:min(100%,340px);margin:16px 0 0 auto;font-variant-numeric:tabular-nums}
.totals dd{text-align:right}
.totals dt{padding-right:16px;color:inherit}
.totals .strong{padding-top:8px;margin-top:2px;border-top:1px solid var(--ink);font-weight:600;font-size:17px}
footer{margin-top:32px;font-size:13px}
footer p{margin:0}
@media (max-width:640px){
body{padding:0}
main{padding:24px 18px;border:0;border-radius:0}
h1{font-size:26px}
.seller{max-width:45%}
.parties{grid-template-columns:1fr}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody,tr,td{display:block}
tr{display:grid;grid-template-columns:auto 1fr auto;gap:2px 5px;padding:12px 0;border-bottom:1px solid var(--rule)}
table{border-top:1px solid var(--ink)}
td{padding:0;border:0;text-align:left}
td:first-child{grid-column:1/-1}
td.quantity,td.price{grid-row:2;color:var(--grey);font-size:14px;line-height:1.6}
td.amount{grid-column:3;grid-row:2;padding-left:12px;text-align:right}
td:empty{display:none}
td.price:not(:empty)::before{content:"at "}
}
@media print{
:root{color-scheme:light;--ink:#1a1f2b;--grey:#5d6675;--rule:#d7dbe2;--paper:#fff;--desk:#fff;--good:#16794a;--bad:#b3261e;--quiet:#5d6675}
@page{size:A4;margin:18mm}
body{padding:0;font-size:10pt}
main{max-width:none;padding:0;border:0}
thead{display:table-header-group}
tr,.totals,.parties{break-inside:avoid}
}
`

/** What a policy must name for the page to have its looks: `style-src 'sha256-…'`. Nothing else is needed. */
export const INVOICE_STYLE_SOURCE = `'sha256-${createHash('sha256').update(INVOICE_STYLE).digest('base64')}'`
