/**
 * What to try first: a long text whose answer stands far from its question.
 */
import harbourLog from '../../../examples/harbour-log.txt';
import { formatCount } from '../format/figures.js';
import { info } from '../state/store.js';
import { draft } from './composer.js';

/** The same text ends differently: the model has to look for another line. */
const QUESTION = /The door code of the [a-z ]+ is $/;
const PLACES = ['lamp room', 'fog signal', 'ice cellar'];

export function Examples() {
  const server = info.value;
  if (!server) return null;
  const write = (place: string) => (): void => {
    draft.value = harbourLog.replace(QUESTION, `The door code of the ${place} is `);
    document.getElementById('message')?.focus();
  };
  return (
    <div class="examples">
      <p>
        A long prompt shows what the chain is for. This one is a log of {formatCount(harbourLog.length)}{' '}
        characters that names the answer on its first page:
      </p>
      <div class="buttons">
        {PLACES.map((place) => (
          <button type="button" key={place} onClick={write(place)}>
            Door code of the {place}
          </button>
        ))}
      </div>
    </div>
  );
}
