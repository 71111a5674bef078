import { ApiError } from './client.ts';
import { post } from './session.ts';

/** Whether a browser can have passkeys for this address: it has to have a name, and HTTPS unless it is this machine. */
export function passkeysPossible(): boolean {
  const byName = !/^[\d.]+$|:/.test(window.location.hostname);
  return (
    byName &&
    typeof PublicKeyCredential === 'function' &&
    'parseCreationOptionsFromJSON' in PublicKeyCredential
  );
}

/** Has the device make a passkey for whoever is signed in. @throws ApiError where it or its user would not */
export async function addPasskey(name: string): Promise<void> {
  const options = await post<PublicKeyCredentialCreationOptionsJSON>(
    '/passkey/generate-register-options',
    {},
  );
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const response = await asked(() => navigator.credentials.create({ publicKey }));
  await post('/passkey/verify-registration', { response, name }, NOT_TAKEN);
}

/** Signs in with a passkey, in the place of password and code. @throws ApiError with words for the form */
export async function signInWithPasskey(): Promise<void> {
  const options = await post<PublicKeyCredentialRequestOptionsJSON>(
    '/passkey/generate-authenticate-options',
    {},
  );
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const response = await asked(() => navigator.credentials.get({ publicKey }));
  await post('/passkey/verify-authentication', { response }, NOT_TAKEN);
}

const NOT_TAKEN = {
  message: 'This passkey was not accepted.',
  hint: 'It may have been removed from the account. Sign in with your password, then look under “Passkeys”.',
};

async function asked(how: () => Promise<Credential | null>): Promise<unknown> {
  try {
    const credential = await how();
    return (credential as PublicKeyCredential | null)?.toJSON();
  } catch (error) {
    throw new ApiError(0, {
      code: 'unauthorized',
      message:
        (error as DOMException).name === 'InvalidStateError'
          ? 'This device has one already.'
          : 'The browser gave no passkey.',
      hint: 'Try again, and follow what the browser or the device asks.',
      retryable: true,
    });
  }
}
