/**
 * Light or dark: as the system says unless the reader chose, which is kept for the next visit.
 */
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const NAME = 'kvr-theme';
const kept = localStorage.getItem(NAME);
const system = matchMedia('(prefers-color-scheme: dark)');

export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');
/** Counts changes of the colours, for what is painted and not styled. */
export const paintVersion = signal(0);

/** To be called once. */
export function followTheme(): void {
  system.addEventListener('change', () => paintVersion.value++);
  effect(() => {
    const chosen = theme.value;
    if (chosen === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = chosen;
    if (chosen === 'system') localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, chosen);
    paintVersion.value = paintVersion.peek() + 1;
  });
}

export const prefersLessMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
