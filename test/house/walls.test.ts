import { describe, expect, test } from 'vitest';
import { type Source, sources, tracked } from './sources.ts';

/** Where the product is; `test` is around it. */
const ROOMS = ['protocol', 'agent', 'control-plane', 'web'];

/** `npm run build` and its kin run programs on whoever's machine builds; nothing of it is in what they build. */
const isBuild = (path: string) => /^(agent|control-plane)\/build\//.test(path);

/** `path → import` for every import that `wrong` says is one. */
function offenders(files: Source[], wrong: (item: Source['imports'][number], file: Source) => boolean) {
  return files.flatMap((file) =>
    file.imports.filter((item) => wrong(item, file)).map((item) => `${file.path} → ${item.module}`),
  );
}

/** Files whose text matches, with the line. */
function mentions(files: Source[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    file.text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

describe('who may import whom', () => {
  test('the protocol imports nothing of ours but itself', () => {
    expect(
      offenders(sources('protocol'), ({ ours, module }) => ours && !module.startsWith('protocol/')),
    ).toEqual([]);
  });

  test('the agent imports itself and the protocol', () => {
    expect(
      offenders(sources('agent'), ({ ours, module }) => ours && !/^(agent|protocol)\//.test(module)),
    ).toEqual([]);
  });

  test('the control plane imports itself and the protocol', () => {
    const wrong = offenders(
      sources('control-plane'),
      ({ ours, module }) => ours && !/^(control-plane|protocol)\//.test(module) && module !== 'package.json',
    );
    expect(wrong).toEqual([]);
  });

  test('the web takes only types from outside, and from the control plane only AppType', () => {
    const wrong = offenders(sources('web'), ({ ours, module, typeOnly, names }) => {
      if (!ours || module.startsWith('web/')) return false;
      if (module.startsWith('protocol/')) return !typeOnly;
      const appType = module === 'control-plane/app.ts' && /^\{\s*(type\s+)?AppType\s*\}$/.test(names);
      return !(appType && typeOnly);
    });
    expect(wrong).toEqual([]);
  });

  test('inside the control plane: routes → jobs, agents, vault, auth → db, never the other way', () => {
    const floor = (path: string) => {
      if (/^control-plane\/(app|main|routes\/|cli\/)/.test(path)) return 3;
      if (/^control-plane\/(jobs|agents|vault|auth|notify)\//.test(path)) return 2;
      if (path.startsWith('control-plane/db/')) return 1;
      return undefined;
    };
    const wrong = offenders(sources('control-plane'), ({ ours, module, typeOnly }, file) => {
      const [from, to] = [floor(file.path), floor(module)];
      return ours && !typeOnly && from !== undefined && to !== undefined && to > from;
    });
    expect(wrong).toEqual([]);
  });

  test('only config.ts files read the environment', () => {
    const readers = sources(...ROOMS)
      .filter(({ text }) => /\bprocess\b[\s\S]{0,3}\benv\b|\bimport\.meta\.env\b/.test(text))
      .map(({ path }) => path);
    expect(readers.toSorted()).toEqual([
      // Sets what Vite reads there, so that a build does not depend on it.
      'agent/build/bundle.ts',
      'agent/config.ts',
      // PATH only, which is no configuration: it says where this host keeps its programs.
      'agent/process.ts',
      // The command line runs on other hosts than the control plane, with settings of its own.
      'control-plane/cli/config.ts',
      'control-plane/config.ts',
    ]);
    const finders = sources('agent').filter(({ path }) => !/\/(config|build\/bundle)\.ts$/.test(path));
    expect(mentions(finders, /\bprocess\.env\b(?!\.PATH\b)/)).toEqual([]);
  });

  test('only agent/process.ts, and for rclone one file of the vault’s stores, start programs', () => {
    const starters = ['agent/process.ts', 'control-plane/vault/stores/rclone-process.ts'];
    const wrong = offenders(
      sources('agent', 'control-plane', 'protocol'),
      ({ module }, file) =>
        /^(execa|node:child_process|child_process)$/.test(module) &&
        !starters.includes(file.path) &&
        !isBuild(file.path),
    );
    expect(wrong).toEqual([]);
  });

  test('what builds the agent or the control plane is no part of it', () => {
    const wrong = offenders(
      sources(...ROOMS),
      ({ module, ours }, { path }) => ours && isBuild(module) && !isBuild(path),
    );
    expect(wrong).toEqual([]);
  });
});

describe('what is named where', () => {
  test('control plane and web name no engine', () => {
    const files = sources('control-plane', 'web');
    expect(mentions(files, /postgres|mysql|mariadb|\bpg_|sqlserver/i)).toEqual([]);
  });

  test('nothing is called utils, helper or manager', () => {
    expect(
      tracked().filter((path) => /(^|[/.-])(utils?|helpers?|[a-z]*manager)(\.|\/|$)/i.test(path)),
    ).toEqual([]);
  });

  test('files stay short', () => {
    const long = sources(...ROOMS, 'test')
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 250);
    expect(long, 'over 250 lines wants splitting').toEqual([]);
  });
});
