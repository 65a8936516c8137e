// Starts Chromium without anything that would talk to the outside.
import { chromium } from 'playwright-core';

export function launch(executablePath, options = {}) {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-first-run'],
    ...options,
  });
}
