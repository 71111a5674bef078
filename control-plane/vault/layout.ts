import type { Manifest } from '../../protocol/vault/manifest.ts';

/** Names of files in a store; docs/vault-format.md is the spec. */
export const VAULT_FILE = 'vault.json';
export const KEYS = 'keys';
export const PACKS = 'packs';
export const AGENTS = 'agents';
export const SNAPSHOTS = 'snapshots';
/** Backups that a control plane made of itself. */
export const SELF_BACKUPS = 'control-plane';
/** How to get backups out without Homeport. */
export const SCRIPT_FILE = 'recover.mjs';
export const GUIDE_FILE = 'RECOVERY.md';

/** What is longer has no place in a vault: bytes. */
export const KEY_FILE_MAX_BYTES = 64 * 1024;
export const MANIFEST_FILE_MAX_BYTES = 256 * 1024 * 1024;
export const RECOVERY_FILE_MAX_BYTES = 256 * 1024;

const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';
const PATTERNS = {
  key: /^keys\/([0-9a-f]{32})\.age$/,
  pack: /^packs\/[0-9a-f]{2}\/([0-9a-f]{64})$/,
  agent: new RegExp(`^agents/(${UUID})\\.json$`),
  selfBackup: new RegExp(`^control-plane/[0-9TZ]+-(${UUID})\\.age$`),
  snapshot: new RegExp(`^snapshots/${UUID}-[a-z0-9-]*/[0-9TZ]+-(${UUID})\\.json\\.zst$`),
} as const;

/** The id in a file's name, or `undefined` where the name is not of that kind. */
export function idIn(kind: keyof typeof PATTERNS, name: string): string | undefined {
  return PATTERNS[kind].exec(name)?.[1];
}

export const keyName = (keyId: string) => `${KEYS}/${keyId}.age`;
export const packName = (sha256: string) => `${PACKS}/${sha256.slice(0, 2)}/${sha256}`;
export const certificateName = (agentId: string) => `${AGENTS}/${agentId}.json`;

/** `control-plane/<time>-<id>.age`, which sorts by time. @param at milliseconds since the epoch */
export function selfBackupName(id: string, at: number): string {
  return `${SELF_BACKUPS}/${compactTime(at)}-${id}.age`;
}

function compactTime(at: number | string): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** `snapshots/<databaseId>-<slug>/<time>-<snapshotId>.json.zst`: slug and time are for people who list the store. */
export function manifestName(manifest: Manifest): string {
  const slug = manifest.database.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return `${SNAPSHOTS}/${manifest.database.id}-${slug}/${compactTime(manifest.startedAt)}-${manifest.snapshotId}.json.zst`;
}
