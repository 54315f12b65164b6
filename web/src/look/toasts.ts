import { create } from 'zustand';

export interface Toast {
  id: number;
  text: string;
  tone: 'info' | 'bad';
}

/** As many as are kept; an older one gives way. */
const MOST = 3;
/** Long enough to read twenty words; what went wrong stays until it is dismissed. */
const SHOWN_MS = 6000;

let next = 1;

export const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));

/** Says shortly what was done, or what went wrong, at the foot of the page. */
export function toast(text: string, tone: Toast['tone'] = 'info'): void {
  const id = next++;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts, { id, text, tone }].slice(-MOST) }));
  if (tone === 'info') setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((one) => one.id !== id) }));
}
