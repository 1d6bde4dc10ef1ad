import { videoSizePresets } from '../../../src/contract/input/presets.ts';
import { fieldSchema } from '../server/endpoints.ts';
import { clipSize, isSize, type Size, sideLimits } from './clip-size.ts';
import { described, FieldFrame } from './field.tsx';
import { currentValue, setValue } from './form-state.ts';

const name = 'video_size';
/** Pixels on the page of the longer side of a preset's outline. */
const outline = 26;

/** A preset, the picture's own size, or any other. */
export function SizeField() {
  const value = currentValue(name);
  const presets = fieldSchema(name).anyOf?.find((choice) => choice.enum !== undefined)?.enum ?? [];
  const custom = isSize(value) ? value : undefined;
  return (
    <FieldFrame name={name}>
      <fieldset class="sizes" {...described(name)}>
        <legend class="hidden">Video Size</legend>
        {presets.map((preset) => (
          <label key={preset} class="tile">
            <input type="radio" name={name} checked={value === preset} onChange={() => setValue(name, preset)} />
            <span>
              <Outline size={sizeOf(preset)} />
              {preset.replaceAll('_', ' ')}
              <small>{describe(sizeOf(preset))}</small>
            </span>
          </label>
        ))}
        <label class="tile">
          <input
            type="radio"
            name={name}
            checked={custom !== undefined}
            onChange={() => setValue(name, clipSize.value ?? { width: 512, height: 384 })}
          />
          <span>
            <Outline size={custom} />
            custom
            <small>{custom === undefined ? 'any' : describe(custom)}</small>
          </span>
        </label>
      </fieldset>
      {custom !== undefined && <CustomSize size={custom} />}
    </FieldFrame>
  );
}

function CustomSize({ size }: { readonly size: Size }) {
  const { minimum, maximum } = sideLimits();
  return (
    <div class="line">
      {(['width', 'height'] as const).map((side) => (
        <label key={side} class="inline">
          {side}
          <input
            type="number"
            min={minimum}
            max={maximum}
            value={size[side]}
            onInput={(event) => setValue(name, { ...size, [side]: Number(event.currentTarget.value) })}
            {...described(name)}
          />
        </label>
      ))}
    </div>
  );
}

function Outline({ size }: { readonly size: Size | undefined }) {
  const longer = Math.max(size?.width ?? 1, size?.height ?? 1);
  const style = {
    width: `${(outline * (size?.width ?? 1)) / longer}px`,
    height: `${(outline * (size?.height ?? 1)) / longer}px`,
  };
  return <span class={size === undefined ? 'outline open' : 'outline'} style={style} aria-hidden="true" />;
}

function sizeOf(preset: string): Size | undefined {
  return Object.entries(videoSizePresets).find(([known]) => known === preset)?.[1];
}

function describe(size: Size | undefined): string {
  return size === undefined ? 'as the picture' : `${size.width} × ${size.height}`;
}
