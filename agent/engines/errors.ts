import type { ConnectionBase } from '../../protocol/engines/engine.ts';
import type { Failure } from '../../protocol/failure.ts';
import type { ToolExit } from '../process.ts';
import { refusedAdvice, surroundings, unknownHostAdvice } from '../surroundings.ts';

/** A client tool that ended badly, on its way to {@link explain}. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly tool: string;
  readonly exit: ToolExit;

  constructor(tool: string, exit: ToolExit) {
    super(`${tool} ended with ${exit.signal ?? exit.exitCode}`);
    this.tool = tool;
    this.exit = exit;
  }
}

/** What an error means, before it becomes a {@link Failure}. */
export type Entry = Pick<Failure, 'code' | 'message' | 'hint'> & { retryable?: boolean; sql?: string };
type Explain = (where: ConnectionBase, text: string) => Entry;

/** How an engine's servers are spoken of. */
interface Words {
  /** The server's product name. */
  server: string;
  /** Where it is, for people: `host:port`, or a socket's path. */
  address(where: ConnectionBase): string;
  /** The setting that says which addresses it listens on, and where it stands. */
  listening: string;
}

/**
 * What errors of the network mean, and errors of TLS, which are the same whatever the engine.
 * @param around tells whether the agent is in a container, where loopback and names mean something else
 */
export function networkErrors(words: Words, around = surroundings) {
  const at = words.address;
  const refused: Explain = (where) => ({
    code: 'connection_refused',
    message: `Nothing accepts connections at ${at(where)}.`,
    hint: `Check host and port, that ${words.server} runs there (“ss -ltnp” on its host shows what listens), and that it listens on this address: ${words.listening}.${refusedAdvice(where.host, around())}`,
    retryable: true,
  });
  const unknownHost: Explain = (where) => ({
    code: 'unknown_host',
    message: `The agent cannot resolve the host name “${where.host}”.`,
    hint: `Check the spelling and the agent’s DNS: “getent hosts ${where.host}” on the agent’s host has to answer.${unknownHostAdvice(around())}`,
  });
  const timeout: Explain = (where) => ({
    code: 'connection_timeout',
    message: `${at(where)} did not answer within 10 seconds.`,
    hint: `Packets get lost on the way. Check the address, and let TCP from the agent’s host to ${at(where)} through every firewall and security group in between.`,
    retryable: true,
  });
  const gone: Explain = (where, text) => ({
    code: 'server_gone',
    message: `The server at ${at(where)} ended the connection${text ? `: ${text}` : '.'}`,
    hint: `It was stopped, crashed or ran out of memory, or something between cut the connection. Look into ${words.server}’s log at this time.`,
    retryable: true,
  });
  const tlsUntrusted: Explain = (where, text) => ({
    code: 'tls_untrusted',
    message: `The certificate of ${at(where)} is not trusted: ${text}`,
    hint: untrustedAdvice(where, text),
  });
  const entries: Record<string, Explain> = {
    ECONNREFUSED: refused,
    ENOENT: refused,
    ENOTFOUND: unknownHost,
    EAI_AGAIN: unknownHost,
    EAI_NONAME: unknownHost,
    ETIMEDOUT: timeout,
    EHOSTUNREACH: timeout,
    ENETUNREACH: timeout,
    ECONNRESET: gone,
    EPIPE: gone,
    ERR_TLS_CERT_ALTNAME_INVALID: tlsUntrusted,
    SELF_SIGNED_CERT_IN_CHAIN: tlsUntrusted,
    DEPTH_ZERO_SELF_SIGNED_CERT: tlsUntrusted,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: tlsUntrusted,
    UNABLE_TO_GET_ISSUER_CERT: tlsUntrusted,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: tlsUntrusted,
    CERT_HAS_EXPIRED: tlsUntrusted,
    CERT_NOT_YET_VALID: tlsUntrusted,
    CERT_UNTRUSTED: tlsUntrusted,
  };
  /** The explanation of one of Node’s error codes, or `undefined`. */
  const byCode = (code: string) => (Object.hasOwn(entries, code) ? entries[code] : undefined);
  return { refused, unknownHost, timeout, gone, tlsUntrusted, byCode };
}

/** What to do about a certificate, by what Node or a client tool has against it. */
function untrustedAdvice({ host }: ConnectionBase, text: string): string {
  const unchecked = 'TLS “Require” encrypts without checking who answers.';
  if (/altname|host ?name|does not match/i.test(text))
    return `It was made for another name than “${host}”: enter a name it was made for as the host, or give the server a certificate for “${host}”. ${unchecked}`;
  if (/expired|not yet valid/i.test(text))
    return `Give the server a certificate that is valid now, and check the clocks of both hosts. ${unchecked}`;
  return `Paste the certificate of the CA that signed it (of a self-signed one, itself) into “CA certificate”. ${unchecked}`;
}

/** The failure of an entry; `detail` is the tool's own output, already redacted. */
export function complete(entry: Entry, detail?: string): Failure {
  return { retryable: false, ...entry, ...(detail ? { detail: detail.slice(-16_000) } : {}) };
}

/** Code and words of an error; of the first part where several addresses of one name were tried. */
export function firstCause(error: unknown): { code: string | undefined; message: string } {
  const one = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const code = (one as { code?: unknown } | null)?.code;
  const message = one instanceof Error ? one.message : String(one);
  return { code: typeof code === 'string' ? code : undefined, message };
}
