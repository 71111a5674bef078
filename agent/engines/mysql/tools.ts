import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../protocol/failure.ts';
import { programDirectories } from '../../process.ts';
import { askVersion } from '../ask-version.ts';
import type { ToolFact } from '../driver.ts';
import { type Flavour, PRODUCT, series, versionNumber, versionText } from './flavour.ts';

/** `dump` writes a database as SQL, `client` feeds SQL to a server. */
export type ToolKind = 'dump' | 'client';

/** A client tool, told apart by what it says of itself: Debian's `mysqldump` may well be MariaDB's. */
export interface MysqlTool extends ToolFact {
  kind: ToolKind;
  flavour: Flavour;
  versionNumber: number;
}

const PROGRAMS: Record<string, ToolKind> = {
  'mariadb-dump': 'dump',
  mysqldump: 'dump',
  mariadb: 'client',
  mysql: 'client',
};
const OWN_NAME: Record<Flavour, Record<ToolKind, string>> = {
  mysql: { dump: 'mysqldump', client: 'mysql' },
  mariadb: { dump: 'mariadb-dump', client: 'mariadb' },
};

/** Where client tools are usually installed. */
export async function standardDirectories(): Promise<string[]> {
  const each = async (parent: string, pattern: RegExp) =>
    (await readdir(parent).catch(() => []))
      .filter((name) => pattern.test(name))
      .map((name) => join(parent, name, 'bin'));
  return [
    ...(await each('/usr/local', /^(mysql|mariadb)/)),
    ...(await each('/opt', /^(mysql|mariadb)/)),
    ...(await each('/opt/homebrew/opt', /^(mysql|mariadb)/)),
    ...programDirectories(),
  ];
}

/** Client tools of both products in `directories`, newest first, each program once. */
export async function findTools(directories: readonly string[], signal: AbortSignal): Promise<MysqlTool[]> {
  const paths = new Map<string, ToolKind>();
  for (const directory of directories) {
    for (const [name, kind] of Object.entries(PROGRAMS)) {
      const path = await realpath(join(directory, name)).catch(() => undefined);
      if (path) paths.set(path, kind);
    }
  }
  const found = await Promise.all(
    [...paths].map(async ([path, kind]): Promise<MysqlTool | undefined> => {
      const facts = parseToolVersion(await askVersion(path, ['--no-defaults', '--version'], signal));
      return facts && { ...facts, kind, path, name: OWN_NAME[facts.flavour][kind] };
    }),
  );
  signal.throwIfAborted();
  return found.filter((tool) => tool !== undefined).sort((a, b) => b.versionNumber - a.versionNumber);
}

/** What a tool's `--version` says; `undefined` where it is none of either product's. */
export function parseToolVersion(
  text: string,
): Pick<MysqlTool, 'flavour' | 'version' | 'versionNumber'> | undefined {
  // MariaDB: “Ver 10.19 Distrib 10.11.19-MariaDB, for …”, from 11 on “from 11.4.2-MariaDB, client 10.19 for …”.
  // MySQL: “Ver 8.0.36 for …”, before 8.0 “Ver 10.13 Distrib 5.7.44, for …”.
  const mariadb = /(?:Distrib|from) (\d+\.\d+\.\d+)-MariaDB/i.exec(text)?.[1];
  const mysql = /Distrib (\d+\.\d+\.\d+)/.exec(text)?.[1] ?? /Ver (\d+\.\d+\.\d+)/.exec(text)?.[1];
  const version = mariadb ?? mysql;
  if (version === undefined) return undefined;
  return { flavour: mariadb ? 'mariadb' : 'mysql', version, versionNumber: versionNumber(version) };
}

/** Which tool is wanted. */
export interface ToolWish {
  kind: ToolKind;
  flavour: Flavour;
  /** The server's {@link versionNumber}; with a restore, the newer one of server and dump. */
  version: number;
}

/**
 * The product's own tool of the server's release series, else of the nearest newer one; within a series the newest.
 * An older tool is refused even where the server would talk to it: it does not know what the server came to have
 * since (mysqldump 8.0 writes MySQL 9's vectors as text, a mariadb-dump may miss kinds of objects).
 * @throws FailureError `tool_missing` | `tool_too_old`
 */
export function chooseTool(tools: readonly MysqlTool[], wish: ToolWish): MysqlTool {
  const { kind, flavour, version } = wish;
  const ours = tools.filter((tool) => tool.kind === kind && tool.flavour === flavour);
  const wanted = Math.floor(version / 100);
  const able = ours.filter((tool) => Math.floor(tool.versionNumber / 100) >= wanted);
  const nearest = Math.min(...able.map((tool) => Math.floor(tool.versionNumber / 100)));
  const chosen = able
    .filter((tool) => Math.floor(tool.versionNumber / 100) === nearest)
    .reduce<MysqlTool | undefined>((a, b) => (a && a.versionNumber >= b.versionNumber ? a : b), undefined);
  if (chosen) return chosen;
  const name = OWN_NAME[flavour][kind];
  const hint = installHint(flavour, version);
  const newest = ours[0];
  if (newest) {
    throw fail(
      'tool_too_old',
      `${name} ${newest.version} is too old: this needs ${PRODUCT[flavour]} ${series(version)}’s or a newer one.`,
      hint,
    );
  }
  const other = tools.find((tool) => tool.kind === kind);
  throw fail(
    'tool_missing',
    other
      ? `Only ${PRODUCT[other.flavour]}’s ${other.name} ${other.version} is installed on the agent’s host; a ${PRODUCT[flavour]} server needs ${PRODUCT[flavour]}’s own.`
      : `${name} is not installed on the agent’s host.`,
    hint,
  );
}

function installHint(flavour: Flavour, version: number): string {
  const what = `Install the ${PRODUCT[flavour]} client ${series(version)} or newer on the agent’s host`;
  return flavour === 'mariadb'
    ? `${what}: apt-get install mariadb-client (from MariaDB’s own repository where the system’s is older).`
    : `${what}: apt-get install mysql-client (on Debian from MySQL’s own repository: its default-mysql-client is MariaDB’s).`;
}

/** First version of each series whose tools withstand hostile names in a dump (CVE-2024-21096). */
const SAFE: Record<Flavour, readonly number[]> = {
  mysql: [80_037, 80_400],
  mariadb: [100_525, 100_618, 101_108, 110_006, 110_105, 110_204, 110_402],
};

/** The first safe version for the tool's series, if the tool is older than that. */
export function saferVersion(tool: Pick<MysqlTool, 'flavour' | 'versionNumber'>): string | undefined {
  const safe = SAFE[tool.flavour];
  const sameSeries = safe.find((one) => Math.floor(one / 100) === Math.floor(tool.versionNumber / 100));
  const needed = sameSeries ?? safe.find((one) => one > tool.versionNumber);
  return needed !== undefined && tool.versionNumber < needed ? versionText(needed) : undefined;
}

/** What others than these engines' driver know of a tool. */
export function factsOf(tool: MysqlTool): ToolFact {
  const { name, path, version } = tool;
  const safer = saferVersion(tool);
  return { name, path, version, ...(safer === undefined ? {} : { safer }) };
}

/** How a tool is named in reports and manifests. */
export function toolLabel(tool: ToolFact): string {
  return `${tool.name} ${tool.version}`;
}
