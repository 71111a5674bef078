import { expect, test } from 'vitest';
import { NODE_FLAGS, NODE_MAJOR } from '../../agent/build/flags.ts';
import { NODE_VERSION } from '../../agent/build/runtimes.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { read } from './sources.ts';

const manifest = JSON.parse(read('package.json')) as {
  version: string;
  devDependencies: Record<string, string>;
};

test('executables have the Node that everything here is tested with', () => {
  expect(NODE_VERSION).toBe(manifest.devDependencies.node);
  expect(NODE_VERSION.split('.')[0]).toBe(String(NODE_MAJOR));
  expect(read('install.sh')).toContain(`\nNODE_MAJOR=${NODE_MAJOR}\n`);
});

test('the launcher of the checkout starts Node as executables do', () => {
  const start = /^exec "[^"]+" ([\s\S]*?) "\$home\/agent\/main\.ts"/m.exec(read('agent/homeport-agent'))?.[1];
  expect(start?.split(/[\s\\]+/)).toEqual([...NODE_FLAGS]);
});

test('one version everywhere', () => {
  expect(HOMEPORT_VERSION).toBe(manifest.version);
});
