/**
 * On narrow screens one part of the page is shown at a time; the address says which, so that Back works.
 */
import { signal } from '@preact/signals';

const VIEWS = [
  ['chat', 'Chat'],
  ['chain', 'Chain'],
  ['machines', 'Machines'],
  ['planner', 'Planner'],
  ['requests', 'Requests'],
] as const;
type View = (typeof VIEWS)[number][0];

export const view = signal<View>(viewOf(location.hash));

/** To be called once. */
export function followAddress(): void {
  addEventListener('hashchange', () => (view.value = viewOf(location.hash)));
}

function viewOf(hash: string): View {
  return VIEWS.find(([name]) => `#${name}` === hash)?.[0] ?? 'chat';
}

export function ViewLinks() {
  return (
    <nav class="views" aria-label="Parts of this page">
      {VIEWS.map(([name, word]) => (
        <a key={name} href={`#${name}`} aria-current={view.value === name ? 'page' : undefined}>
          {word}
        </a>
      ))}
    </nav>
  );
}
