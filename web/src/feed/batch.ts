/** While the page is hidden there are no animation frames. */
const HIDDEN_MS = 100;

/** Collects items and hands them over at once: each animation frame, or each 100 ms while nobody looks. */
export class Batch<T> {
  #items: T[] = [];
  #cancel: (() => void) | null = null;
  readonly #take: (items: T[]) => void;

  constructor(take: (items: T[]) => void) {
    this.#take = take;
    // A frame that was asked for before the page was hidden does not come.
    document.addEventListener('visibilitychange', () => {
      if (this.#cancel) this.#schedule();
    });
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
    if (!this.#cancel) this.#schedule();
  }

  /** Hands over what there is, now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#take(items);
  }

  /** Throws away what there is. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#items = [];
  }

  #schedule() {
    this.#cancel?.();
    const run = () => this.flush();
    if (document.visibilityState === 'visible') {
      const frame = requestAnimationFrame(run);
      this.#cancel = () => cancelAnimationFrame(frame);
    } else {
      const timer = setTimeout(run, HIDDEN_MS);
      this.#cancel = () => clearTimeout(timer);
    }
  }
}
