import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { labelsSchema } from '../auth/labels.ts';
import type { ProviderSettings } from '../auth/oidc/settings.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { usersOf } from '../db/identities.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { requireOwnerWithoutProvider } from '../http/ways-in.ts';

const domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u, 'must be a domain such as example.org');
const admissionSchema = z
  .object({
    role: z.enum(['viewer', 'operator']),
    labels: labelsSchema.nullable().default(null),
    domains: z
      .array(domain)
      .max(50)
      .default([])
      .transform((domains) => [...new Set(domains)].toSorted()),
    claim: z
      .object({
        name: z.string().trim().min(1).max(100),
        values: z.array(z.string().trim().min(1).max(200)).min(1).max(50),
      })
      .nullable()
      .default(null),
  })
  .refine(({ claim, domains }) => claim !== null || domains.length > 0, {
    path: ['domains'],
    message: 'name a domain or a claim: everybody at the provider would come in',
  })
  .refine(({ labels }) => labels === null || labels.length > 0, {
    path: ['labels'],
    message: 'name at least one, or the whole fleet',
  });
const providerBody = z.object({
  name: z.string().trim().min(1).max(50),
  issuer: z.url({ protocol: /^https?$/ }).max(500),
  clientId: z.string().trim().min(1).max(500),
  /** Absent: the one it has. */
  clientSecret: z.string().min(1).max(2000).optional(),
  admission: admissionSchema.nullable().default(null),
});

/** Which OpenID provider people may sign in with. */
export function signInProviderRoutes(deps: AppDeps) {
  const { events, oidc } = deps;
  const view = () => providerView(deps, oidc.settings.read());
  return new Hono<PrincipalEnv>()
    .get('/sign-in-provider', (c) => c.json(view()))
    .put('/sign-in-provider', validate('json', providerBody), async (c) => {
      const { clientSecret: typed, ...wish } = c.req.valid('json');
      const clientSecret = typed ?? secretFor(wish, oidc.settings.read());
      const settings = { ...wish, clientSecret };
      requireOwnerWithoutProvider(deps);
      await oidc.provider.check(settings);
      oidc.settings.write(settings);
      noteChange(deps, c, settings);
      events.changed('settings');
      return c.json(view());
    })
    .delete('/sign-in-provider', validate('json', z.object({ confirm: z.string() })), (c) => {
      const { issuer, name } = found(oidc.settings.read(), 'sign-in provider');
      requireConfirmation(c.req.valid('json').confirm, name);
      requireOwnerWithoutProvider(deps);
      oidc.settings.remove();
      const target = { kind: 'sign-in-provider', id: issuer, name };
      auditAct(deps, c, { action: 'sign-in-provider.remove', target });
      events.changed('settings');
      return c.json({ issuer });
    });
}

/** The secret that is kept goes to nobody but the provider that it is of. @throws FailureError `invalid_input` */
function secretFor(
  wish: Pick<ProviderSettings, 'issuer' | 'clientId'>,
  kept: ProviderSettings | undefined,
): string {
  if (kept?.issuer === wish.issuer && kept.clientId === wish.clientId) return kept.clientSecret;
  throw fail(
    'invalid_input',
    'clientSecret: is missing.',
    'Give the secret that this provider made for this client; another one’s is not sent to it.',
  );
}

function noteChange(deps: AppDeps, c: Context<PrincipalEnv>, settings: ProviderSettings): void {
  const { admission, clientId, issuer, name } = settings;
  const letIn = admission && {
    letsIn: admission.role,
    agents: admission.labels?.join(', ') ?? 'all',
    ...(admission.domains.length > 0 ? { domains: admission.domains.join(', ') } : {}),
    ...(admission.claim ? { [admission.claim.name]: admission.claim.values.join(', ') } : {}),
  };
  const target = { kind: 'sign-in-provider', id: issuer, name };
  const details = { issuer, clientId, ...(letIn ?? { letsIn: 'nobody without an invitation' }) };
  auditAct(deps, c, { action: 'sign-in-provider.set', target, details });
}

/** Never with the secret. */
function providerView({ db, oidc }: AppDeps, settings: ProviderSettings | undefined) {
  const { redirectUri } = oidc;
  if (!settings) return { redirectUri, provider: null };
  const { admission, clientId, issuer, name } = settings;
  return { redirectUri, provider: { name, issuer, clientId, admission, users: usersOf(db, issuer) } };
}
