import path from 'node:path';
import type { Window } from './browser';
import { NARROW, WIDE } from './sizes';
import { must, until } from './until';

/** A page, and whose it is. */
export type Seen = Pick<Window, 'page'> & { name: string };

const folder = process.env['WEFT_SCREENS'] ?? '.';

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export function screenPath(name: string): string {
  return path.join(folder, `${name}.png`);
}

/** Shows the page in a theme, as the system asks for it. */
export async function wear({ page }: Seen, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.waitForFunction((wanted) => document.documentElement.dataset['theme'] === wanted, theme);
  // Colours go over into one another: what is looked at is where they end.
  await page.evaluate(async () => {
    const changes = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(changes.map((one) => one.finished));
  });
}

/** The page must not be wider than the screen, once its drawings have measured themselves. */
export async function mustFit({ page, name }: Seen, what: string): Promise<void> {
  await until(
    `${name}'s ${what} to fit the screen`,
    async () => {
      const [wide, screen] = await page.evaluate(() => [
        document.scrollingElement?.scrollWidth ?? 0,
        document.documentElement.clientWidth,
      ]);
      must((wide ?? 0) <= (screen ?? 0), `it is ${String(wide)} px wide on a screen of ${String(screen)} px`);
      return true;
    },
    3_000,
  );
}

/** Pictures of the page as it is: both themes, wide and narrow. Each must fit. */
export async function pictures(window: Seen, name: string): Promise<void> {
  for (const size of [WIDE, NARROW]) {
    await window.page.setViewportSize(size);
    for (const theme of THEMES) {
      await wear(window, theme);
      await mustFit(window, name);
      await picture(window, `${name}-${theme}-${String(size.width)}`);
    }
  }
  await window.page.setViewportSize(WIDE);
  await wear(window, 'light');
}

/** One picture of what is seen. */
export async function picture({ page }: Seen, name: string, whole = true): Promise<void> {
  await page.screenshot({ path: screenPath(name), fullPage: whole, animations: 'disabled' });
}
