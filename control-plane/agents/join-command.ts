import { shellQuoted } from '../../protocol/shell.ts';
import type { AgentRelease } from './release.ts';

/** How a host gets its agent. */
export interface JoinCommand {
  /** Lines for a shell on that host. */
  command: string;
  /** `install`: as root, by `install.sh`; `checkout`: in a checkout, where this control plane has no built agent. */
  via: 'install' | 'checkout';
}

export interface JoinWish {
  /** Address of the control plane. */
  url: string;
  token: string;
  /** Name of the agent whose place it takes. */
  successorOf: string | undefined;
}

/**
 * The command that makes a host's agent, with its token on standard input, so that no list of processes shows it.
 * It carries the SHA-256 of the script, and the script those of the files it downloads.
 */
export async function joinCommand(
  release: AgentRelease,
  { successorOf, token, url }: JoinWish,
): Promise<JoinCommand> {
  const place = successorOf === undefined ? '' : ` --successor-of ${shellQuoted(successorOf)}`;
  const input = `<<'TOKEN'\n${token}\nTOKEN`;
  const script = await release.script();
  if (!script) {
    const enrol = `agent/homeport-agent enrol --url ${shellQuoted(url)}${place} ${input}`;
    return { command: `${enrol}\nagent/homeport-agent run`, via: 'checkout' };
  }
  const lines = [
    `curl -fsSLo homeport-install.sh ${shellQuoted(`${url}/install.sh`)} &&`,
    `echo '${script.sha256}  homeport-install.sh' | sha256sum -c - &&`,
    `sudo sh homeport-install.sh${place} ${input}`,
  ];
  return { command: lines.join('\n'), via: 'install' };
}
