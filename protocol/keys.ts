import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** Ed25519 public key from its 32 raw bytes in base64url, as keys travel everywhere in Homeport. */
export function ed25519Public(raw: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw }, format: 'jwk' });
}

/** The 32 raw public bytes of an Ed25519 key (private or public), base64url. */
export function ed25519Raw(key: KeyObject): string {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return String(jwk.x);
}

/** Ed25519 private key from its PKCS#8 PEM. */
export function ed25519Private(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** A new Ed25519 key: the private half as a key object and as PKCS#8 PEM for keeping. */
export function generateEd25519(): { key: KeyObject; pem: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { key: privateKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
