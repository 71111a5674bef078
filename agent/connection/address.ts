import { fail } from '../../protocol/failure.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * The origin of a control plane, checked: HTTPS, or plain HTTP to loopback only.
 * @throws FailureError `invalid_input`
 */
export function controlPlaneOrigin(text: string): URL {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch (cause) {
    throw fail(
      'invalid_input',
      `“${text}” is not a URL.`,
      'Use the control plane’s address, e.g. https://backups.example.org.',
      { cause },
    );
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    throw fail(
      'invalid_input',
      `${url.protocol}//${url.host} is not allowed: HTTPS is required except on loopback.`,
      'Put TLS in front of the control plane and use its https:// address.',
    );
  }
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
    throw fail(
      'invalid_input',
      'The address of a control plane has no path, query or login.',
      `Use ${url.origin} and give the control plane a host name of its own.`,
    );
  }
  return url;
}

/** Where the agent's socket is. */
export function socketUrl(origin: URL): URL {
  const url = new URL('/agent/v1/connect', origin);
  url.protocol = origin.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}
