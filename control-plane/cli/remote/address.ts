import { fail } from '../../../protocol/failure.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * The origin of a control plane, checked: HTTPS, or plain HTTP to loopback only, since an API key goes there.
 * @throws FailureError `invalid_input` that names the remedy
 */
export function controlPlaneOrigin(text: string): string {
  const url = URL.parse(text.trim());
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw fail(
      'invalid_input',
      `“${text}” is not the URL of a control plane.`,
      'Use the address you open in the browser, e.g. https://backups.example.org.',
    );
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw fail(
      'invalid_input',
      `http://${url.host} is not allowed: an API key travels over HTTPS only, except on loopback.`,
      'Put TLS in front of the control plane (README.md shows how) and use its https:// address, or forward the ' +
        'port: ssh -L 7433:127.0.0.1:7433 <host>, then http://127.0.0.1:7433.',
    );
  }
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
    throw fail(
      'invalid_input',
      'The address of a control plane has no path, query or login.',
      `Use ${url.origin}.`,
    );
  }
  return url.origin;
}
