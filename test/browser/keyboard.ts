import type { Page } from 'playwright-core';

/** More stops than any page has: whoever has not arrived by then goes round in circles. */
const MOST_STOPS = 120;

/** A person without a mouse: Tab from control to control, Space and Enter, and what they type. */
export function atKeyboard(page: () => Page) {
  const press = (key: string) => page().keyboard.press(key);
  const type = (text: string) => page().keyboard.type(text);

  /** Where the focus is, as a screen reader tells it: `button "Add agent"`. */
  async function focused(): Promise<string> {
    const focus = page().locator(':focus');
    return (await focus.count()) === 1 ? focus.ariaSnapshot() : '';
  }

  /**
   * Goes on with Tab until the focus is on what `control` describes, e.g. `/button "Add agent"/`.
   * @returns what was passed on the way
   * @throws where it is not reached, or somewhere on the way nobody could see where the focus is
   */
  async function tabTo(control: RegExp): Promise<string[]> {
    const passed: string[] = [];
    for (let stop = 0; stop < MOST_STOPS; stop++) {
      await press('Tab');
      const here = await focused();
      if (here && !(await isSeen(page()))) throw new Error(`The focus cannot be seen on ${here}`);
      if (control.test(here)) return passed;
      passed.push(here);
    }
    throw new Error(`No ${control} among:\n${[...new Set(passed)].join('\n')}`);
  }

  return {
    focused,
    press,
    type,
    tabTo,
    /** Goes to a button, a link or a box and presses it. */
    act: async (control: RegExp, key: 'Enter' | 'Space' = 'Enter') => {
      await tabTo(control);
      await press(key);
    },
    /** Goes to a field and types into it, in the place of what is there. */
    fill: async (control: RegExp, text: string) => {
      await tabTo(control);
      await press('Control+a');
      await type(text);
    },
  };
}

/** Whether the focused control, or what stands around it, has an outline or a ring. */
function isSeen(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const marked = (element: Element | null) => {
      if (!element) return false;
      const { boxShadow, outlineStyle, outlineWidth } = getComputedStyle(element);
      return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    };
    const control = document.activeElement;
    return marked(control) || marked(control?.closest('label') ?? null);
  });
}
