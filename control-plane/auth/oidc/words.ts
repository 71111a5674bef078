import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { FailureError, fail } from '../../../protocol/failure.ts';

/** The failure of a discovery: the provider is out of reach, or not what was named. */
export function unreachable(name: string, issuer: string, error: unknown): FailureError {
  const told = failureIn(error);
  if (told) return told;
  const { code, message } = rootOf(error);
  if (codeOf(error) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') {
    return fail(
      'provider_unavailable',
      `The discovery document of ${issuer} is another issuer’s.`,
      'Write the issuer exactly as the document’s “issuer” has it, a slash at the end included.',
      { cause: error },
    );
  }
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(code ?? '');
  return fail(
    'provider_unavailable',
    `${name} cannot be asked: ${code ?? message}.`,
    untrusted
      ? 'Its certificate is not trusted here. For a CA of your own start the control plane with NODE_EXTRA_CA_CERTS=/path/to/ca.pem.'
      : `Check that ${withoutSlash(issuer)}/.well-known/openid-configuration can be fetched from the control plane’s host.`,
    { cause: error, retryable: true },
  );
}

export function otherIssuer(wanted: string, found: string): FailureError {
  return fail(
    'provider_unavailable',
    `The discovery document of ${wanted} has the issuer ${found}.`,
    'Write the issuer exactly as the document’s “issuer” has it, a slash at the end included.',
  );
}

export function badDiscovery(missing: string): FailureError {
  return fail(
    'provider_unavailable',
    `The provider’s discovery document has no ${missing}.`,
    'Check that the issuer is that of an OpenID provider, not of an API or of plain OAuth.',
  );
}

export function badEndpoint(name: string, address: string): FailureError {
  return fail(
    'provider_unavailable',
    `The provider’s discovery document has ${address} as its ${name}, which is not an HTTPS address.`,
    'Set the provider’s public address to its https:// one.',
  );
}

/** The failure of what a browser came back with. */
export function notSignedIn(name: string, error: unknown): FailureError {
  const told = failureIn(error);
  if (told) return told;
  if (error instanceof AuthorizationResponseError) return refusedThere(name, error);
  if (error instanceof ResponseBodyError) return notRedeemed(name, error);
  if (codeOf(error) === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    const hint = 'Set the clocks of the provider’s host and of the control plane’s right, then try again.';
    return refusal(`What ${name} said is expired, or not valid yet.`, hint, error);
  }
  const { code, message } = rootOf(error);
  if (/^(E[A-Z]+|OAUTH_TIMEOUT)$/.test(code ?? '') || /UNEXPECTED|NOT_CONFORM|NOT_JSON/.test(code ?? '')) {
    const hint = 'Look whether the provider works, then try again.';
    const said = `${name} did not finish the sign-in: ${code}.`;
    return fail('provider_unavailable', said, hint, { cause: error, retryable: true });
  }
  return refusal(
    `What ${name} answered is not to be believed: ${message}.`,
    'Begin again. If it stays so, an owner compares issuer and client under Settings → Sign-in provider with the provider’s own.',
    error,
  );
}

/** A sign-in that came to nothing. */
export function refusal(message: string, hint: string, cause?: unknown): FailureError {
  return fail('sign_in_refused', message, hint, { cause });
}

function refusedThere(name: string, error: AuthorizationResponseError): FailureError {
  return error.error === 'access_denied'
    ? refusal(
        `${name} did not let you in, or you stopped there.`,
        'Try again, or ask whoever runs it.',
        error,
      )
    : refusal(`${name} refused: ${error.error}.`, 'Look for this word in the provider’s log.', error);
}

function notRedeemed(name: string, error: ResponseBodyError): FailureError {
  return error.error === 'invalid_client' || error.error === 'unauthorized_client'
    ? refusal(
        `${name} does not know Homeport’s client, or not by this secret.`,
        'An owner enters client id and secret anew: Settings → Sign-in provider.',
        error,
      )
    : refusal(`${name} refused the sign-in: ${error.error}.`, 'Begin again: codes work once.', error);
}

function withoutSlash(address: string): string {
  return address.replace(/\/$/, '');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ClientError ? error.code : undefined;
}

/** A failure of ours that a library has wrapped. */
function failureIn(error: unknown): FailureError | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof FailureError) return one;
  return undefined;
}

/** The innermost error: what the network or the check said itself. */
function rootOf(error: unknown): { code: string | undefined; message: string } {
  let one = error as NodeJS.ErrnoException;
  while (one.cause instanceof Error) one = one.cause as NodeJS.ErrnoException;
  return { code: one.code, message: one.message };
}
