import { fail } from '../../protocol/failure.ts';
import type { HeritageDocument } from '../../protocol/job.ts';
import { ed25519Public } from '../../protocol/keys.ts';
import { decryptWith, keyHash, type VaultKey } from '../../protocol/vault/keys.ts';
import { decodeManifest, type Manifest } from '../../protocol/vault/manifest.ts';
import { keyBundleSchema } from '../../protocol/vault/snapshot.ts';
import { type AgentCertificate, openStatement } from '../../protocol/vault/statement.ts';

/** What a successor may build on: proved by the signature of an agent whose place it has. */
export interface Heritage {
  /** The server's id key, under which the chunks that are there have their names. */
  idKey: VaultKey;
  /** Data keys that the signer vouched for: some of those chunks are sealed with them. */
  dataKeys: { id: string; hash: string }[];
  /** Number of the snapshot that proves it. */
  sequence: number;
}

/** What it has to be about, and the keys it is held to. */
export interface HeritageTrust {
  /** The vault's pinned Ed25519 signing key, base64url. */
  signingKey: string;
  vaultId: string;
  /** The agent whose place this one took. */
  predecessorId: string;
  serverId: string;
  databaseId: string;
}

/**
 * Checks what the control plane gives a successor: a line of certificates from the agent whose place it took to the one
 * that signed, that one's manifest, and the id key it commits to.
 * @param identity age identity that the document's keys are encrypted to
 * @throws FailureError `signature_invalid` | `manifest_invalid` | `key_missing`
 */
export async function openHeritage(
  document: HeritageDocument,
  trust: HeritageTrust,
  identity: string,
): Promise<Heritage> {
  const signer = signerIn(document, trust);
  const key = ed25519Public(signer.identityKey);
  const manifest = decodeManifest(Buffer.from(document.manifest, 'base64'), (agentId) =>
    agentId === signer.agentId ? key : undefined,
  );
  requireAbout(manifest, trust);
  return {
    idKey: await idKeyOf(manifest, document.keys, identity),
    dataKeys: manifest.dataKeys,
    sequence: manifest.sequence,
  };
}

/** The last of a line in which each agent took the place of the next, the first being our own predecessor. */
function signerIn({ certificates }: HeritageDocument, trust: HeritageTrust): AgentCertificate {
  let expected: string | undefined = trust.predecessorId;
  let signer: AgentCertificate | undefined;
  for (const text of certificates) {
    signer = openStatement('agent-certificate', text, trust.signingKey);
    if (signer.agentId !== expected || signer.vaultId !== trust.vaultId) throw otherAgent();
    expected = signer.succeeds;
  }
  if (!signer) throw otherAgent();
  return signer;
}

function requireAbout({ database, server, vaultId }: Manifest, trust: HeritageTrust): void {
  const same = vaultId === trust.vaultId && server.id === trust.serverId && database.id === trust.databaseId;
  if (same) return;
  const message = 'The snapshot that was shown is of another database.';
  throw fail('manifest_invalid', message, 'Run: homeport vault rebuild');
}

async function idKeyOf({ idKey }: Manifest, file: string, identity: string): Promise<VaultKey> {
  try {
    const keys = keyBundleSchema.parse(JSON.parse(await decryptWith(identity, Buffer.from(file, 'base64'))));
    const secret = Buffer.from(keys[idKey.id] ?? '', 'base64url');
    if (keyHash('id', secret) === idKey.hash) return { id: idKey.id, secret };
  } catch {
    // Told below: a key that does not open is as good as another key.
  }
  throw fail(
    'key_missing',
    'The key that names the server’s chunks is not the one the snapshot commits to.',
    'Look whether the vault’s files were changed.',
  );
}

function otherAgent() {
  return fail(
    'signature_invalid',
    'The snapshot that was shown is not by an agent whose place this one took.',
    'Run: homeport vault rebuild',
  );
}
