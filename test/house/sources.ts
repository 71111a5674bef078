import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ROOT } from '../support/child.ts';

/** One source file: path from the root, text, and the modules it imports (ours as paths from the root). */
export interface Source {
  path: string;
  text: string;
  imports: { module: string; ours: boolean; typeOnly: boolean; names: string }[];
}

/** Every file git tracks or would track. */
export function tracked(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return files.filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s)?([^'";]*?)\s*from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** TypeScript sources below the given rooms. */
export function sources(...rooms: string[]): Source[] {
  return tracked()
    .filter((path) => /\.(ts|tsx)$/.test(path) && rooms.some((room) => path.startsWith(`${room}/`)))
    .map((path) => ({ path, text: read(path), imports: importsOf(path, read(path)) }));
}

function importsOf(path: string, text: string): Source['imports'] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const module = match[3] ?? match[4] ?? match[5] ?? '';
    const ours = module.startsWith('.');
    return {
      module: ours ? normalize(join(dirname(path), module)) : module,
      ours,
      typeOnly: match[1] !== undefined || onlyTypes(match[2] ?? ''),
      names: match[2] ?? '',
    };
  });
}

/** `{ type A, type B }` brings nothing into the running program either. */
function onlyTypes(names: string): boolean {
  const inner = names.match(/^\{([\s\S]*)\}$/)?.[1];
  const each = (inner ?? '').split(',').map((name) => name.trim());
  return inner !== undefined && each.filter(Boolean).every((name) => name.startsWith('type '));
}
