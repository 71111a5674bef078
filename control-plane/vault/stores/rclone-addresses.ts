import { promisify } from 'node:util';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import type { RcloneOptions } from './rclone-options.ts';
import { parseSection } from './rclone-section.ts';

/** Options whose value is a host, perhaps with a port, where it is no address with a scheme. */
const HOSTS = /^(host|endpoint|url|.*_(host|endpoint|url))$/;

/**
 * Refuses remotes on this host or its link, as a bucket’s endpoint is refused there. rclone looks names up itself, so
 * this holds for what they stand for now.
 * @throws FailureError `forbidden`
 */
export async function requireAllowed({ remote }: RcloneOptions, outgoing: Outgoing): Promise<void> {
  const hosts = remote.type === 'sftp' ? [remote.host] : hostsIn(parseSection(remote.section).parameters);
  for (const host of hosts) {
    outgoing.requireHost(host);
    await resolved(host, outgoing);
  }
}

/** The hosts that the options of a remote name. */
export function hostsIn(parameters: Record<string, string>): string[] {
  return Object.entries(parameters).flatMap(([option, value]) => {
    const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
    if (!hasScheme && (!HOSTS.test(option) || value === '')) return [];
    const address = hasScheme ? value.replace(/^[^:]+/, 'http') : `http://${value}`;
    return URL.canParse(address) ? [new URL(address).hostname] : [];
  });
}

/** A name that cannot be looked up leads nowhere, and rclone will say so. */
async function resolved(host: string, { lookup }: Outgoing): Promise<void> {
  const ask = promisify(lookup) as (name: string, options: object) => Promise<unknown>;
  await ask(host.replace(/^\[|\]$/g, ''), {}).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== 'getaddrinfo') throw error;
  });
}
