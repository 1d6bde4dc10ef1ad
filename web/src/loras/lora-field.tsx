import { FieldFrame, Problem } from '../form/field.tsx';
import { type LoraEntry, loras, setValue } from '../form/form-state.ts';
import { loraTitle } from '../form/words.ts';
import { fieldSchema } from '../server/endpoints.ts';
import { installation } from '../server/installation.ts';

const name = 'loras';
const scaleFormat = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 10 });

/** Adapters: those that are installed, and any others by URL or repository. */
export function LoraField() {
  const chosen = loras();
  const most = fieldSchema(name).maxItems ?? Number.POSITIVE_INFINITY;
  const add = (path: string): void => setValue(name, [...chosen, { path, scale: 1 }]);
  return (
    <FieldFrame name={name}>
      <Installed chosen={chosen} isFull={chosen.length >= most} />
      <ol class="loras">
        {chosen.map((entry, index) => (
          <Lora key={index} entry={entry} index={index} />
        ))}
      </ol>
      <button type="button" disabled={chosen.length >= most} onClick={() => add('')}>
        Add by URL or repository
      </button>
    </FieldFrame>
  );
}

function Installed({ chosen, isFull }: { readonly chosen: readonly LoraEntry[]; readonly isFull: boolean }) {
  const available = installation.value?.loras ?? [];
  const toggle = (path: string): void => {
    const others = chosen.filter((entry) => entry.path !== path);
    setValue(name, others.length < chosen.length ? others : [...chosen, { path, scale: 1 }]);
  };
  if (available.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend>Installed</legend>
      {available.map(({ path, bytes, origin }) => {
        const isChosen = chosen.some((entry) => entry.path === path);
        return (
          <label key={path} class="chip">
            <input type="checkbox" checked={isChosen} disabled={isFull && !isChosen} onChange={() => toggle(path)} />
            <span>
              {loraTitle(path)}
              <small>
                {origin === 'model' ? 'example' : 'folder'}, {size(bytes)}
              </small>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

function Lora({ entry, index }: { readonly entry: LoraEntry; readonly index: number }) {
  const { items } = fieldSchema(name);
  const scale = items?.properties?.scale ?? {};
  const change = (changes: Partial<LoraEntry>): void =>
    setValue(
      name,
      loras().map((other, at) => (at === index ? { ...other, ...changes } : other)),
    );
  const remove = (): void =>
    setValue(
      name,
      loras().filter((_, at) => at !== index),
    );
  const label = `LoRA ${index + 1}`;
  return (
    <li>
      <div class="line">
        <input
          type="text"
          aria-label={`${label}: URL or repository`}
          aria-describedby={`problem-loras.${index}.path`}
          placeholder="https://….safetensors or owner/repo"
          value={entry.path}
          onInput={(event) => change({ path: event.currentTarget.value })}
        />
        <button type="button" class="quiet" onClick={remove}>
          Remove<span class="hidden"> {label}</span>
        </button>
      </div>
      <Problem path={`loras.${index}.path`} />
      <div class="number">
        <input
          type="range"
          aria-label={`${label}: scale`}
          min={scale.minimum}
          max={scale.maximum}
          step={0.05}
          value={entry.scale}
          onInput={(event) => change({ scale: Number(event.currentTarget.value) })}
        />
        <output>× {scaleFormat.format(entry.scale)}</output>
      </div>
      <Problem path={`loras.${index}.scale`} />
      {(isRepository(entry.path) || entry.weight_name !== undefined) && (
        <WeightName entry={entry} index={index} change={change} />
      )}
    </li>
  );
}

interface WeightNameProps {
  readonly entry: LoraEntry;
  readonly index: number;
  readonly change: (changes: Partial<LoraEntry>) => void;
}

function WeightName({ entry, index, change }: WeightNameProps) {
  return (
    <>
      <input
        type="text"
        aria-label={`LoRA ${index + 1}: file in the repository`}
        placeholder="File, where the repository has several"
        value={entry.weight_name ?? ''}
        onInput={(event) => {
          const { weight_name: _, ...others } = entry;
          const name = event.currentTarget.value.trim();
          if (name === '') setValue('loras', replaced(index, others));
          else change({ weight_name: name });
        }}
      />
      <Problem path={`loras.${index}.weight_name`} />
    </>
  );
}

function replaced(index: number, entry: LoraEntry): readonly LoraEntry[] {
  return loras().map((other, at) => (at === index ? entry : other));
}

function isRepository(path: string): boolean {
  return /^[\w.-]+\/[\w.-]+(?:@\S+)?$/.test(path.trim()) && !path.trim().endsWith('.safetensors');
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
