import { clipSize } from '../form/clip-size.ts';
import { DropZone } from '../form/drop-zone.tsx';
import { described, FieldFrame } from '../form/field.tsx';
import { currentValue, setValue } from '../form/form-state.ts';
import { isOwnUrl } from '../server/connection.ts';
import {
  choosePicture,
  type Picture,
  type PictureField,
  pictureActivity,
  pictures,
  removePicture,
} from './picture-state.ts';

/** A picture the clip begins or ends with, shown as it will be cropped. */
export function PictureFieldView({ name }: { readonly name: PictureField }) {
  const picture = pictures.value[name];
  const activity = pictureActivity.value[name];
  const url = currentValue(name);
  return (
    <FieldFrame name={name}>
      {picture !== undefined && <Cropped name={name} picture={picture} />}
      <DropZone
        accept="image/*"
        label={picture === undefined ? 'Drop or paste a picture, or choose a file' : 'Another file'}
        onFile={(file) => void choosePicture(name, file, file.name)}
      />
      {picture === undefined && (
        <input
          type="url"
          aria-label="URL of the picture"
          placeholder="… or paste a URL"
          value={typeof url === 'string' && !isOwnUrl(url) ? url : ''}
          onChange={(event) => setValue(name, event.currentTarget.value.trim() || undefined)}
          {...described(name)}
        />
      )}
      {activity !== undefined && (
        <p class={activity.failed ? 'problem' : 'note'} role={activity.failed ? 'alert' : 'status'}>
          {activity.text}
        </p>
      )}
    </FieldFrame>
  );
}

function Cropped({ name, picture }: { readonly name: PictureField; readonly picture: Picture }) {
  const size = clipSize.value;
  const { width, height } = picture;
  return (
    <figure class="cropped">
      {size === undefined || width === undefined ? (
        <p class="note">This browser cannot show this picture; the server may well read it.</p>
      ) : (
        <img
          src={picture.shownUrl}
          alt={`${picture.name}, as it is cropped`}
          style={{ aspectRatio: `${size.width} / ${size.height}` }}
        />
      )}
      <figcaption class="line">
        <span class="name">{picture.name}</span>
        {width !== undefined && size !== undefined && (
          <span class="amount">
            {width} × {height} → {size.width} × {size.height}
          </span>
        )}
        <button type="button" class="quiet" onClick={() => removePicture(name)}>
          Remove<span class="hidden"> {picture.name}</span>
        </button>
      </figcaption>
    </figure>
  );
}
