import { type FailureError, fail } from '../../protocol/failure.ts';
import type { OutgoingProxy } from './proxy.ts';

/** What the errors of sockets and tunnels carry. */
interface TunnelError extends NodeJS.ErrnoException {
  /** Status of the proxy's answer to CONNECT; absent where it gave none. */
  statusCode?: number;
}

/**
 * The failure that an error on the way through a proxy stands for, where it is the proxy's; undefined for what
 * happened behind it. With a proxy in use nothing else is looked up or connected to.
 */
export function proxyFailure(error: unknown, proxy: OutgoingProxy): FailureError | undefined {
  const first = (error instanceof AggregateError ? error.errors[0] : error) as TunnelError;
  if (first.code === 'ERR_PROXY_TUNNEL') {
    if (first.statusCode !== undefined) return proxyAnswered(first.statusCode, proxy, first);
    return proxyUnreachable(proxy, 'It took the connection, but did not answer.', first);
  }
  const before = first.syscall === 'connect' || first.syscall === 'getaddrinfo';
  return before ? proxyUnreachable(proxy, first.message, first) : undefined;
}

/** For a proxy that answered CONNECT with anything but 200. */
export function proxyAnswered(status: number, proxy: OutgoingProxy, cause?: unknown): FailureError {
  if (status === 407) return loginWanted(proxy, cause);
  // These tell of the proxy's own way to the control plane, which may come back by itself.
  const away = status === 502 || status === 503 || status === 504;
  return fail(
    'proxy_refused',
    Number.isInteger(status)
      ? `The proxy ${proxy.shown} refuses to open a tunnel to the control plane: status ${status}.`
      : `What answers at ${proxy.shown} is no HTTP proxy.`,
    away
      ? 'The proxy cannot reach the control plane: check that it runs, and that the proxy may connect to its address and port.'
      : 'Let the proxy allow CONNECT to the control plane’s host and port, or name that host in NO_PROXY if it can be reached without the proxy.',
    { retryable: away, cause },
  );
}

function loginWanted(proxy: OutgoingProxy, cause: unknown): FailureError {
  const where = `where it is written (${proxy.source})`;
  return fail(
    'proxy_login_required',
    proxy.hasLogin
      ? `The proxy ${proxy.shown} does not accept the user and password it was given.`
      : `The proxy ${proxy.shown} wants a login.`,
    `Put user and password into the proxy’s address ${where}, as http://USER:PASSWORD@HOST:PORT, and start the agent again. Homeport logs in by Basic authentication; for a proxy that takes only NTLM or Kerberos, allow this host without a login.`,
    { cause },
  );
}

/** For a proxy that could not be connected to, or says nothing. */
export function proxyUnreachable(proxy: OutgoingProxy, reason: string, cause?: unknown): FailureError {
  return fail(
    'proxy_unreachable',
    `The proxy ${proxy.shown} cannot be reached: ${reason}`,
    `Check its address where it is written (${proxy.source}), and that this host may connect to it.`,
    { retryable: true, cause },
  );
}
