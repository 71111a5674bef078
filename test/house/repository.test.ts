import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FAILURE_CODES } from '../../protocol/failure.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import { ROOT } from '../support/child.ts';
import { read, tracked } from './sources.ts';

const documents = tracked().filter((path) => /^(docs\/.*|[A-Z]+)\.md$/.test(path));

/** Paths below these are cited as they are; a `*` or `<…>` in them stands for many. */
const CITED =
  /`((?:protocol|agent|control-plane|web|test|docs|bin|\.ci)\/[\w@./-]*|(?:package|tsconfig|biome)\.json|[A-Z]+\.md)`/g;

describe('documents', () => {
  test('cite only paths that exist', () => {
    const wrong = documents.flatMap((path) =>
      [...read(path).matchAll(CITED)]
        .map((match) => match[1] ?? '')
        .filter((cited) => !existsSync(join(ROOT, cited)))
        // Paths of a vault or an agent's state directory, which those pages describe.
        .filter((cited) => !/^agent(s)?\/v1\//.test(cited))
        .map((cited) => `${path}: ${cited}`),
    );
    expect(wrong).toEqual([]);
  });

  test('link only to files that exist', () => {
    const wrong = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(ROOT, path, '..', target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('docs/errors.md explains every failure code, and no other', () => {
    const explained = [...read('docs/errors.md').matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
    expect(explained.toSorted()).toEqual([...FAILURE_CODES].toSorted());
  });

  test('docs/protocol.md lists every close code', () => {
    const page = read('docs/protocol.md');
    expect(Object.values(CLOSE).filter((code) => !page.includes(String(code)))).toEqual([]);
  });

  test('npm scripts that documents name exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = documents.flatMap((path) => [
      ...read(path).matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g),
    ]);
    expect(named.map((match) => match[1] ?? '').filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('packages', () => {
  test('the lockfile names no registry and every package has an integrity', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string; integrity?: string; inBundle?: boolean }>;
    };
    const entries = Object.entries(packages).filter(([path]) => path !== '');
    expect(entries.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
    // What a package brings along in its own archive is under that archive's integrity.
    const archives = entries.filter(([, entry]) => !entry.inBundle);
    expect(archives.filter(([, entry]) => !entry.integrity).map(([path]) => path)).toEqual([]);
  });

  test('versions are exact', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const all = Object.entries({ ...dependencies, ...devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
