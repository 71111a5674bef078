import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import { programDirectories } from '../../process.ts';
import { askVersion } from '../ask-version.ts';
import type { ToolFact } from '../driver.ts';

type ToolName = 'pg_dump' | 'pg_restore';

/** A client tool with its version taken apart. */
export interface PostgresTool extends ToolFact {
  name: ToolName;
  major: number;
  minor: number;
}

/** First minor of each major whose psql and pg_dump are safe against hostile dumps (CVE-2025-8714 and kin). */
const SAFE_MINOR: Record<number, number> = { 14: 24, 15: 19, 16: 15, 17: 11, 18: 6 };

/** Where client tools are usually installed; each major in a directory of its own first. */
export async function standardDirectories(): Promise<string[]> {
  const perMajor = async (parent: string, pattern: RegExp) =>
    (await readdir(parent).catch(() => []))
      .filter((name) => pattern.test(name))
      .map((name) => join(parent, name, 'bin'));
  return [
    ...(await perMajor('/usr/lib/postgresql', /^\d+$/)),
    ...(await perMajor('/usr', /^pgsql-\d+$/)),
    ...(await perMajor('/opt/homebrew/opt', /^postgresql@\d+$|^libpq$/)),
    ...programDirectories(),
  ];
}

/** Client tools in `directories`, newest first, each program once. */
export async function findTools(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<PostgresTool[]> {
  const paths = new Map<string, ToolName>();
  for (const directory of directories) {
    for (const name of ['pg_dump', 'pg_restore'] as const) {
      const path = await realpath(join(directory, name)).catch(() => undefined);
      // Debian's /usr/bin/pg_dump is a wrapper that picks a version by files we do not want to depend on.
      if (path && !path.endsWith('/pg_wrapper')) paths.set(path, name);
    }
  }
  const found = await Promise.all(
    [...paths].map(async ([path, name]): Promise<PostgresTool | undefined> => {
      const text = await askVersion(path, ['--version'], signal);
      const version = /^pg_(?:dump|restore) \(.*?\) (\d+)(?:\.(\d+))?/.exec(text);
      if (!version) return undefined; // not runnable here, or not PostgreSQL's: as good as not installed
      const [, major, minor] = version;
      return {
        name,
        path,
        major: Number(major),
        minor: Number(minor ?? 0),
        version: `${major}.${minor ?? 0}`,
      };
    }),
  );
  signal.throwIfAborted();
  return found.filter((tool) => tool !== undefined).sort((a, b) => b.major - a.major || b.minor - a.minor);
}

/**
 * The nearest tool of at least `major`.
 * @throws FailureError `tool_missing` | `tool_too_old`
 */
export function chooseTool(tools: readonly PostgresTool[], name: ToolName, major: number): PostgresTool {
  const ours = tools.filter((tool) => tool.name === name);
  const able = ours.filter((tool) => tool.major >= major);
  const nearest = Math.min(...able.map((tool) => tool.major));
  const chosen = able.find((tool) => tool.major === nearest);
  if (chosen) return chosen;
  const hint = `Install version ${major} or newer on the agent’s host: apt-get install postgresql-client-${major}`;
  const newest = ours[0];
  if (!newest) throw fail('tool_missing', `${name} is not installed on the agent’s host.`, hint);
  throw fail('tool_too_old', `${name} ${newest.version} is too old: this needs version ${major}.`, hint);
}

/** The first safe version of the tool's major, if the tool is older than that. */
export function saferVersion(tool: PostgresTool): string | undefined {
  const minor = SAFE_MINOR[tool.major];
  if (minor === undefined) return tool.major < 14 ? '14.24' : undefined;
  return tool.minor < minor ? `${tool.major}.${minor}` : undefined;
}

/** What others than this engine's driver know of a tool. */
export function factsOf(tool: PostgresTool): ToolFact {
  const { name, path, version } = tool;
  const safer = saferVersion(tool);
  return { name, path, version, ...(safer === undefined ? {} : { safer }) };
}

/** How a tool is named in reports and manifests. */
export function toolLabel(tool: PostgresTool): string {
  return `${tool.name} ${tool.version}`;
}
