import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const names = z.record(z.string(), z.string()).default({});
const lockfileSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dependencies: names,
      optionalDependencies: names,
      peerDependencies: names,
      peerDependenciesMeta: z
        .record(z.string(), z.object({ optional: z.boolean().default(false) }))
        .default({}),
    }),
  ),
});
type Lockfile = z.output<typeof lockfileSchema>['packages'];

/**
 * Directories of all npm packages that a running Homeport needs, as `package-lock.json` has them: those it depends on,
 * what these depend on, and so forth. What only builds and tests use is not among them.
 * @returns paths from the root of the checkout, sorted
 */
export async function runtimePackages(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8');
  const { packages } = lockfileSchema.parse(JSON.parse(text));
  const found = new Set<string>();
  const waiting = [{ from: '', names: Object.keys(packages['']?.dependencies ?? {}) }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const name of next.names) {
      const path = resolvePackage(packages, next.from, name);
      // Optional ones of other platforms are locked, and not here.
      if (path === undefined || found.has(path) || !existsSync(join(root, path))) continue;
      found.add(path);
      waiting.push({ from: path, names: neededBy(packages, path) });
    }
  }
  return [...found].sort();
}

function neededBy(packages: Lockfile, path: string): string[] {
  const entry = packages[path];
  if (!entry) return [];
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = entry;
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers];
}

/** Where Node finds a package that one at `from` imports: beside it, else further up. */
function resolvePackage(packages: Lockfile, from: string, name: string): string | undefined {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const path = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (place === '') return undefined;
  }
}
