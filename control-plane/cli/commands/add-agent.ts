import { type Command, InvalidArgumentError } from 'commander';
import { newTokenShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayJson } from '../say.ts';
import { when } from '../text.ts';
import { connect } from './session.ts';

/** `add-agent`: the command that gives a host its agent. */
export function addAddAgentCommand(root: Command): void {
  root
    .command('add-agent')
    .description('make an enrolment token and print the command to run on the new agent’s host')
    .argument('[name]', 'how the agent is called; its host’s name where absent')
    .option('--expires-in-minutes <minutes>', 'how long the token works, once', parseMinutes)
    .option(...JSON_OPTION)
    .action(addAgent);
}

async function addAgent(
  name: string | undefined,
  { expiresInMinutes, json }: Json & { expiresInMinutes?: number },
): Promise<void> {
  const wish = { ...(name ? { name } : {}), ...(expiresInMinutes ? { expiresInMinutes } : {}) };
  const token = await (await connect()).post('/enrolment-tokens', wish, newTokenShape);
  if (json) return sayJson(token);
  const where =
    token.via === 'install'
      ? 'Run this on the host of the new agent (as root, leave “sudo” out).'
      : 'Run this on the host of the new agent, in a checkout of Homeport.';
  remark(`${where} Its token works once, until ${when(token.expiresAt)}:`);
  say(token.command);
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new InvalidArgumentError('give a whole number of minutes, at most 10080 (a week)');
  return minutes;
}
