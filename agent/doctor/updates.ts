import { stat } from 'node:fs/promises';
import { shellWord } from '../../protocol/shell.ts';
import type { AgentConfig } from '../config.ts';
import { surroundings } from '../surroundings.ts';
import { loadReleaseKey } from '../update/release-key.ts';
import { type Finding, ok, trouble } from './check.ts';

/** Whether the agent takes updates from its control plane, and whose signature they need. */
export async function updatesFinding({ policy, releaseKeyFile, updatesDir }: AgentConfig): Promise<Finding> {
  const key = await loadReleaseKey(releaseKeyFile);
  const helper = updatesDir === undefined ? ' Nothing here puts updates in place for the control plane.' : '';
  const said = `Policy: ${policy.update}.${helper}`;
  if (key === undefined) {
    const way = surroundings() ? 'by a newer image of its container' : 'on this host, with install.sh';
    return ok(`${said} No release key is pinned: updates are made ${way}.`);
  }
  const { mode, uid } = await stat(releaseKeyFile);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    const seen = `${said} Others than root may change ${releaseKeyFile}, and with it who signs updates: now ${key}.`;
    return trouble('warning', seen, {
      fix: 'Give it to root alone.',
      paste: `chown root: ${shellWord(releaseKeyFile)} && chmod 644 ${shellWord(releaseKeyFile)}`,
    });
  }
  return ok(`${said} They have to be signed with the pinned release key ${key}.`);
}
