import type { KeyObject } from 'node:crypto';
import { FailureError, fail } from '../../protocol/failure.ts';
import { ed25519Public } from '../../protocol/keys.ts';
import { type AgentCertificate, openStatement, signStatement } from '../../protocol/vault/statement.ts';
import type { OpenVault } from './create.ts';
import { AGENTS, certificateName, idIn } from './layout.ts';
import type { CertifiedAgent } from './service.ts';

const MAX_BYTES = 64 * 1024;

/**
 * Makes the vault vouch for an agent’s keys: `agents/<id>.json`, durable once resolved.
 * @throws FailureError `conflict` for another identity key than the certified one: what the first signed would stop being valid
 */
export async function certify(vault: OpenVault, agent: CertifiedAgent): Promise<void> {
  const existing = await certificateOf(vault, agent.id);
  if (existing && existing.identityKey !== agent.identityKey)
    throw fail(
      'conflict',
      `The vault vouches for another key of agent ${agent.id} already.`,
      'Enrol the agent anew: it then gets an id of its own.',
    );
  const succeeds = agent.predecessorId ? { succeeds: agent.predecessorId } : {};
  const same = existing?.sealingKey === agent.sealingKey && existing.name === agent.name;
  if (same && existing.succeeds === succeeds.succeeds) return;
  const { id: agentId, name, identityKey, sealingKey } = agent;
  const certificate = signStatement(
    'agent-certificate',
    {
      format: 1,
      vaultId: vault.id,
      agentId,
      name,
      identityKey,
      sealingKey,
      issuedAt: new Date().toISOString(),
      ...succeeds,
    },
    vault.secrets.signing,
  );
  await vault.store.put(certificateName(agentId), [Buffer.from(certificate)], { maxBytes: MAX_BYTES });
}

/** The certified keys of an agent. @throws FailureError `signature_invalid` */
export async function certificateOf(
  vault: OpenVault,
  agentId: string,
): Promise<AgentCertificate | undefined> {
  const text = await certificateText(vault, agentId);
  if (text === undefined) return undefined;
  const certificate = openStatement('agent-certificate', text, vault.secrets.signingKey);
  return certificate.vaultId === vault.id && certificate.agentId === agentId ? certificate : undefined;
}

/** Text of `agents/<id>.json`. */
export async function certificateText(vault: OpenVault, agentId: string): Promise<string | undefined> {
  const name = certificateName(agentId);
  if ((await vault.store.size(name)) === undefined) return undefined;
  return (await vault.store.read(name)).toString('utf8');
}

/** What manifests of this agent are verified with: knows this one agent only. */
export function signerOf(
  certificate: AgentCertificate | undefined,
): (agentId: string) => KeyObject | undefined {
  return (agentId) => (agentId === certificate?.agentId ? ed25519Public(certificate.identityKey) : undefined);
}

/** Verification keys of every agent with a good certificate. */
export async function allSigners(vault: OpenVault): Promise<(agentId: string) => KeyObject | undefined> {
  const keys = new Map<string, KeyObject>();
  for await (const { name } of vault.store.list(AGENTS)) {
    const agentId = idIn('agent', name);
    const certificate = agentId === undefined ? undefined : await readable(vault, agentId);
    if (certificate) keys.set(certificate.agentId, ed25519Public(certificate.identityKey));
  }
  return (agentId) => keys.get(agentId);
}

/** A certificate that does not verify vouches for nobody: manifests of that agent then fail by name. */
async function readable(vault: OpenVault, agentId: string): Promise<AgentCertificate | undefined> {
  try {
    return await certificateOf(vault, agentId);
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === 'signature_invalid') return undefined;
    throw error;
  }
}
