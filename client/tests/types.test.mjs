import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the types are what types.ts takes them for', () => {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const file = fileURLToPath(new URL('types.ts', import.meta.url));
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext'];
  try {
    execFileSync(process.execPath, [compiler, ...options, file], { encoding: 'utf8' });
  } catch ({ stdout }) {
    assert.fail(stdout);
  }
});
