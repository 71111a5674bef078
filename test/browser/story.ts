import { beforeEach, expect } from 'vitest';
import { inspectAll, keepWreckage } from './accessibility.ts';
import type { Stage } from './stage.ts';

/** What a person does and sees on any page, for a file whose tests are chapters of one story, in order. */
export function tell(stage: () => Stage) {
  const found: string[] = [];
  /** The chapter that went wrong: those after it would only wait for what cannot come. */
  let broken: string | undefined;
  beforeEach(({ onTestFailed, task }) => {
    if (broken) throw new Error(`Not told: “${broken}” went wrong before.`);
    onTestFailed(async () => {
      broken = task.name;
      await keepWreckage(stage().page, task.name);
    });
  });
  return {
    heading: (name: string | RegExp) => stage().page.getByRole('heading', { level: 1, name }),
    button: (name: string) => stage().page.getByRole('button', { name, exact: true }),
    dialog: () => stage().page.getByRole('dialog'),
    /** Follows the main navigation, without a reload. */
    goTo: (name: string) =>
      stage().page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click(),
    /** Takes pictures of the page as it stands, and keeps what axe has against it. */
    look: async (name: string) => {
      found.push(...(await inspectAll(stage().page, name)));
    },
    /** Axe has nothing against any page looked at, and the browser's console nothing against any at all. */
    expectClean: () => {
      expect(found).toEqual([]);
      // What the browser itself writes about a refusal that the page then explains.
      const refusals = /status of (400|401|403|404|409|422|503)/;
      expect(stage().complaints.filter((text) => !refusals.test(text))).toEqual([]);
    },
  };
}
