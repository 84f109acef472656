/**
 * The page's style, light and dark as the reader's system is. The timeline's colours are read from here by its script.
 */
export const STYLE = `
:root{color-scheme:light dark;--back:#fff;--text:#1c2430;--soft:#5b6675;--line:#d8dee6;--panel:#f5f7fa;
--kvr:#2563c9;--tsp:#b4600c;--single:#6b7684;
--block:#3b76d6;--attention:#c2418d;--wait:#e3c98a;--send:#3a9d6d;--embed:#8a63d2;--head:#2aa3b5;--cache:#9aa4b1}
@media (prefers-color-scheme:dark){:root{--back:#12161c;--text:#e6eaf0;--soft:#9aa6b5;--line:#303a47;--panel:#1a2029;
--kvr:#6ea2ff;--tsp:#e39a4f;--single:#8d98a6;
--block:#5a93f2;--attention:#e06fb2;--wait:#7a6a3e;--send:#54c08c;--embed:#a98bea;--head:#56c6d6;--cache:#6c7786}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.35rem;margin:0 0 .5rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .25rem}
header p{margin:.15rem 0;color:var(--soft);overflow-wrap:anywhere}.hint{color:var(--soft);margin:.25rem 0 .75rem}
figure.bars{margin:0 0 1.25rem;padding:.75rem 1rem;background:var(--panel);border:1px solid var(--line);border-radius:8px}
figcaption{font-weight:600;margin-bottom:.4rem}
.bar{display:grid;grid-template-columns:minmax(9rem,17rem) 1fr 9rem;gap:.75rem;align-items:center;padding:.1rem 0}
.name{color:var(--soft);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.name b{color:var(--text);font-weight:600}
.track{position:relative;height:1.05rem}.track i{position:absolute}
.fill{left:0;top:0;bottom:0;border-radius:3px}.fill.kvr{background:var(--kvr)}.fill.tsp{background:var(--tsp)}.fill.single{background:var(--single)}
.whisker{top:50%;height:2px;margin-top:-1px;background:var(--text);min-width:1px}
.mark{top:-2px;bottom:-2px;width:2px;margin-left:-1px;background:var(--text);opacity:.55}
.value{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}small{color:var(--soft)}
select{font:inherit;max-width:100%;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.25rem .5rem}
canvas{display:block;width:100%;border:1px solid var(--line);border-radius:8px;background:var(--panel);cursor:grab;touch-action:none}
canvas:focus-visible{outline:2px solid var(--kvr)}
#legend span{margin-right:1rem;white-space:nowrap}#legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px}
#detail{color:var(--soft);font-variant-numeric:tabular-nums;min-height:1.5em}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;white-space:nowrap;font-size:.9rem}
th,td{text-align:left;padding:.25rem .7rem;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600}.number{text-align:right}
@media (max-width:44rem){.bar{grid-template-columns:1fr 8.5rem;gap:0 .75rem;padding:.3rem 0}.name{grid-column:1/-1}}
`;
