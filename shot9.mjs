import { chromium } from 'playwright-core';
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const n of ['cpu-per-message','memory-per-connection','throughput']) { const p = await b.newPage({viewport:{width:800,height:460}}); await p.goto('file:///work/main/bench/plots/'+n+'.svg'); await p.screenshot({path:'/tmp/'+n+'.png'}); }
await b.close();
