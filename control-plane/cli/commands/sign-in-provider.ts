import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { JSON_OPTION, type Json, remark, say, sayFacts, sayJson } from '../say.ts';
import { readSecret } from '../secrets.ts';
import { connect } from './session.ts';

const admissionShape = z.looseObject({
  role: z.string(),
  labels: z.array(z.string()).nullable(),
  domains: z.array(z.string()),
  claim: z.looseObject({ name: z.string(), values: z.array(z.string()) }).nullable(),
});
const providerShape = z.looseObject({
  redirectUri: z.string(),
  provider: z
    .looseObject({
      name: z.string(),
      issuer: z.string(),
      clientId: z.string(),
      admission: admissionShape.nullable(),
      users: z.looseObject({ connected: z.number(), withNothingElse: z.number() }),
    })
    .nullable(),
});
type Answer = z.infer<typeof providerShape>;

interface SetOptions {
  name: string;
  issuer: string;
  clientId: string;
  secretFile?: string;
  keepSecret?: true;
  letIn?: 'viewer' | 'operator';
  domain: string[];
  claim: { name: string; value: string }[];
  label: string[];
}

/** `sign-in-provider`, `set-sign-in-provider`, `remove-sign-in-provider`. */
export function addSignInProviderCommands(root: Command): void {
  root
    .command('sign-in-provider')
    .description('show which OpenID provider people may sign in with, and the redirect URI it has to know')
    .option(...JSON_OPTION)
    .action(async ({ json }: Json) => {
      const answer = await (await connect()).get('/sign-in-provider', providerShape);
      if (json) sayJson(answer);
      else show(answer);
    });
  root
    .command('set-sign-in-provider')
    .description(
      'let people sign in with an OpenID provider, once it has answered; asks for the client’s secret',
    )
    .requiredOption('--name <name>', 'on the button: Continue with NAME')
    .requiredOption('--issuer <url>', 'as its discovery document spells it')
    .requiredOption('--client-id <id>', 'of the client made there for Homeport')
    .option('--secret-file <file>', 'read the client’s secret from a file of mode 0600; - is standard input')
    .option('--keep-secret', 'for the same issuer and client: the secret it has')
    .addOption(
      new Option(
        '--let-in <role>',
        'what whoever fits becomes without an invitation; absent: nobody',
      ).choices(['viewer', 'operator']),
    )
    .option('--domain <domain>', 'with --let-in: of verified addresses; may be repeated', collect, [])
    .option(
      '--claim <name=value>',
      'with --let-in: what the provider has to say; may be repeated',
      claims,
      [],
    )
    .option('--label <label>', 'with --let-in: they see agents with it only; may be repeated', collect, [])
    .action(setProvider);
  root
    .command('remove-sign-in-provider')
    .description('let nobody sign in with the provider any more; accounts stay')
    .requiredOption('--confirm <name>', 'its name, exactly')
    .action(async ({ confirm }: { confirm: string }) => {
      await (await connect()).delete('/sign-in-provider', { confirm }, z.looseObject({}));
      say(`Nobody signs in with ${confirm} any more.`);
    });
}

async function setProvider(options: SetOptions): Promise<void> {
  const { clientId, issuer, keepSecret, name, secretFile } = options;
  const admission = admissionOf(options);
  const secret = keepSecret ? {} : { clientSecret: await readSecret('Client secret', secretFile) };
  const wish = { name, issuer, clientId, ...secret, admission };
  const answer = await (await connect()).put('/sign-in-provider', wish, providerShape);
  show(answer);
  remark('The provider has to send browsers back to the redirect URI, exactly.');
}

function admissionOf({ claim, domain, label, letIn }: SetOptions) {
  if (letIn === undefined) {
    if (claim.length + domain.length + label.length === 0) return null;
    throw fail(
      'invalid_input',
      '--domain, --claim and --label say who is let in.',
      'Add --let-in with a role.',
    );
  }
  const [first] = claim;
  if (claim.some((one) => one.name !== first?.name)) {
    throw fail('invalid_input', 'Only one claim is looked at.', 'Give --claim once for each value of it.');
  }
  return {
    role: letIn,
    labels: label.length > 0 ? label : null,
    domains: domain,
    claim: first ? { name: first.name, values: claim.map(({ value }) => value) } : null,
  };
}

function show({ provider, redirectUri }: Answer): void {
  if (!provider) {
    remark('No sign-in provider is set up.');
    sayFacts([['redirect URI', redirectUri]]);
    return;
  }
  const { admission, clientId, issuer, name, users } = provider;
  sayFacts([
    ['name', name],
    ['issuer', issuer],
    ['client id', clientId],
    ['redirect URI', redirectUri],
    ['connected', `${users.connected} users, ${users.withNothingElse} of them with no other way in`],
    ['lets in', admission ? admissionText(admission) : 'nobody without an invitation'],
  ]);
}

function admissionText({ claim, domains, labels, role }: z.infer<typeof admissionShape>): string {
  const who = [
    ...(domains.length > 0 ? [`addresses at ${domains.join(' or ')}`] : []),
    ...(claim ? [`${claim.name} ${claim.values.join(' or ')}`] : []),
  ];
  return `${who.join(' with ')}, as ${role} of ${labels ? `agents with ${labels.join(' or ')}` : 'the whole fleet'}`;
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function claims(text: string, before: SetOptions['claim']): SetOptions['claim'] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give it as NAME=VALUE.');
  return [...before, { name, value }];
}
