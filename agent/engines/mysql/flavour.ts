/** The two products this room serves: each is an engine of its own, with its own client tools. */
export type Flavour = 'mysql' | 'mariadb';

/** Names of the products, as people know them. */
export const PRODUCT: Record<Flavour, string> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/** Oldest server of each product this driver works with, as a {@link versionNumber}. */
export const OLDEST: Record<Flavour, number> = { mysql: 80_000, mariadb: 100_600 };

/** A server's version, taken apart. */
export interface ServerVersion {
  flavour: Flavour;
  /** Numbers only, e.g. `10.11.19`. */
  version: string;
  /** See {@link versionNumber}. */
  versionNumber: number;
}

/**
 * A version as one number that compares, as the products write it themselves: `10.11.19` → 101119,
 * `8.4.3` → 80403. What does not begin with a version is 0.
 */
export function versionNumber(text: string): number {
  const [, major, minor, patch] = /^(\d{1,3})\.(\d{1,2})(?:\.(\d{1,2}))?(?!\d)/.exec(text) ?? [];
  return Number(major ?? 0) * 10_000 + Number(minor ?? 0) * 100 + Number(patch ?? 0);
}

/** The release series that a version belongs to: `10.11`, `8.4`. Tools of one series go with its servers. */
export function series(version: number): string {
  return `${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}`;
}

/** A version number in words: 101119 → `10.11.19`. */
export function versionText(version: number): string {
  return `${series(version)}.${version % 100}`;
}

/**
 * Takes a version apart, as `SELECT VERSION()` or a handshake gives it. MariaDB puts `5.5.5-` before its own in
 * handshakes, for old replicas. `undefined` where it is no version of either product.
 */
export function parseVersion(text: string): ServerVersion | undefined {
  const flavour: Flavour = /mariadb/i.test(text) ? 'mariadb' : 'mysql';
  const own = flavour === 'mariadb' ? text.replace(/^5\.5\.5-(?=\d)/, '') : text;
  const number = versionNumber(own);
  return number === 0 ? undefined : { flavour, version: versionText(number), versionNumber: number };
}
