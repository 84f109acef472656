/**
 * Limits and sampling of the next answer.
 */
import { BOUNDS, inBounds, type Settings, settings } from '../state/settings.js';

export function SettingsForm() {
  const { maxTokens, temperature, seed } = settings.value;
  return (
    <details class="settings">
      <summary>
        Settings <span class="aside">{`${maxTokens} tokens, temperature ${temperature}`}</span>
      </summary>
      <div class="fields">
        <Field name="maxTokens" label="Most new tokens" value={String(maxTokens)} />
        <Field name="temperature" label="Temperature" value={String(temperature)} />
        <Field name="seed" label="Seed" value={seed === null ? '' : String(seed)} placeholder="any" />
      </div>
    </details>
  );
}

type FieldProps = {
  readonly name: keyof Settings;
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
};

function Field({ name, label, value, placeholder }: FieldProps) {
  const { least, most, step } = BOUNDS[name];
  const change = (input: HTMLInputElement): void => {
    const typed = inBounds(input.value, name);
    const next = typed ?? (name === 'seed' ? null : settings.value[name]);
    settings.value = { ...settings.value, [name]: next };
    // Shows what counts now, also where that is what was there before.
    input.value = next === null ? '' : String(next);
  };
  return (
    <label>
      {label}
      <input
        type="number"
        inputMode="decimal"
        min={least}
        max={most}
        step={step}
        value={value}
        placeholder={placeholder ?? ''}
        onChange={(event) => change(event.currentTarget)}
      />
    </label>
  );
}
