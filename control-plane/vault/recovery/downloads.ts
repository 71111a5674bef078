import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';

const settingOf = (vaultId: string) => `recovery-kit-downloaded ${vaultId}`;

/**
 * When each vault's recovery kit was last handed out, in milliseconds since the epoch. Lost with the database,
 * it is asked for again: better one kit too many.
 */
export function kitDownloads(db: Db) {
  return {
    lastOf(vaultId: string): number | null {
      const at = readSetting(db, settingOf(vaultId));
      return at === undefined ? null : Number(at);
    },
    note: (vaultId: string, at: number): void => writeSetting(db, settingOf(vaultId), String(at)),
  };
}

export type KitDownloads = ReturnType<typeof kitDownloads>;
