import type { Hono } from 'hono';
import { crossOrigin } from '../addressing/cross-origin.ts';
import type { AppEnv } from '../app-env.ts';
import { fileRoutes } from './file-routes.ts';
import { newStorageRoutes, type StorageDependencies } from './storage-dependencies.ts';
import { partUploadRoutes } from './uploads/part-upload-routes.ts';
import { uploadRoutes } from './uploads/upload-routes.ts';

/** What browsers may read of a reply besides its body. */
const exposed = [
  'accept-ranges',
  'content-disposition',
  'content-length',
  'content-range',
  'etag',
  'last-modified',
  'x-fal-error-type',
  'x-fal-request-id',
];

/** The file server: uploads and files. With keys anybody may ask from any page; what they may do depends on tokens and files. */
export function cdnRoutes(deps: StorageDependencies): Hono<AppEnv> {
  const routes = newStorageRoutes();
  const allowMethods = ['GET', 'HEAD', 'PUT', 'POST'];
  routes.use('/files/*', crossOrigin({ allowMethods, exposeHeaders: exposed, maxAge: 86_400 }));
  routes.route('/', uploadRoutes(deps));
  routes.route('/', partUploadRoutes(deps));
  routes.route('/', fileRoutes(deps));
  return routes;
}
