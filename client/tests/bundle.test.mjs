// What is handed out: the files that `bundle` writes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';

const bundle = (form) => 
  execFileSync(fileURLToPath(new URL('../bundle', import.meta.url)), [form], { encoding: 'utf8' });

test('is small', () => {
  for (const form of ['module', 'classic']) assert.ok(gzipSync(bundle(form), { level: 9 }).length <= 6144, form);
  assert.ok(gzipSync(bundle('many'), { level: 9 }).length <= 7168);
});

test('the module can be imported, and has the sources\' names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'client-'));
  try {
    writeFileSync(join(folder, 'client.mjs'), bundle('module'));
    const made = await import(join(folder, 'client.mjs'));
    assert.deepEqual(Object.keys(made).sort(), ['connect', 'connectShared']);
    assert.throws(() => made.connect('not an address'), TypeError);
    writeFileSync(join(folder, 'many.mjs'), bundle('many'));
    const { connectMany, ...rest } = await import(join(folder, 'many.mjs'));
    assert.deepEqual(Object.keys(rest), ['connect']);
    assert.throws(() => connectMany('not an address'), TypeError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the classic script gives one name', () => {
  const context = vm.createContext({ URL });
  vm.runInContext(bundle('classic'), context);
  assert.deepEqual(Object.keys(context).sort(), ['URL', 'cppwebsocket']);
  assert.deepEqual(Object.keys(context.cppwebsocket).sort(), ['connect', 'connectShared']);
});

test('the worker serves each page that connects', () => {
  const context = vm.createContext({ SharedWorkerGlobalScope: class {} });
  vm.runInContext(bundle('worker'), context);
  const port = {};
  context.onconnect({ ports: [port] });
  assert.equal(typeof port.onmessage, 'function');
});

test('has the version of the module', () => {
  const [, version] = /^project\(mod_cppwebsocket VERSION ([\d.]+)/m.exec(readFileSync(new URL('../../CMakeLists.txt', import.meta.url), 'utf8'));
  assert.match(bundle('module').split('\n')[0], new RegExp(` ${version.replaceAll('.', '\\.')},`));
});
