/* Bodies that decide: read before the handler reads them, and given back to it. */
#include "mod_authchain.h"

#include <http_protocol.h>
#include <util_filter.h>

enum {
  MOST = 5 * 512 * 1024, /* what the library keeps (auth_request_feed_body): 2.5 MiB */
  PIECE = 64 * 1024
};

static ap_filter_rec_t *filter;

/* Hands the data of a brigade over. The end is told apart, because it may come without data. */
static apr_status_t feed(apr_bucket_brigade *piece, auth_request *request, apr_size_t *sum, int *is_last)
{
  apr_bucket *bucket;
  for (bucket = APR_BRIGADE_FIRST(piece); bucket != APR_BRIGADE_SENTINEL(piece); bucket = APR_BUCKET_NEXT(bucket)) {
    auth_str text;
    apr_status_t status;
    if (APR_BUCKET_IS_EOS(bucket))
      *is_last = 1;
    if (APR_BUCKET_IS_METADATA(bucket))
      continue;
    status = apr_bucket_read(bucket, &text.ptr, &text.len, APR_BLOCK_READ);
    if (status != APR_SUCCESS)
      return status;
    *sum += text.len;
    if (auth_request_feed_body(request, text, 0) != AUTH_OK)
      return APR_EGENERAL;
  }
  return APR_SUCCESS;
}

/* Reads the body for the request until the library has had enough. What was read is kept, if told so, for whom it
 * was meant; what is beyond stays with the client until it is asked for. Returns OK or an HTTP status. */
int authchain_read_body(request_rec *r, auth_request *request, apr_bucket_brigade *keep)
{
  apr_bucket_brigade *piece = apr_brigade_create(r->pool, r->connection->bucket_alloc);
  apr_size_t sum = 0;
  int is_last = 0;
  while (!is_last && sum <= MOST) {
    apr_status_t status = ap_get_brigade(r->input_filters, piece, AP_MODE_READBYTES, APR_BLOCK_READ, PIECE);
    if (status == APR_SUCCESS)
      status = feed(piece, request, &sum, &is_last);
    if (status == APR_SUCCESS && keep != NULL)
      status = ap_save_brigade(r->input_filters, &keep, &piece, keep->p);
    if (status != APR_SUCCESS)
      return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    apr_brigade_cleanup(piece);
  }
  return auth_request_feed_body(request, auth_text(NULL), 1) == AUTH_OK ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

/* Gives what was read, then lets the rest through. */
static apr_status_t give(ap_filter_t *f, apr_bucket_brigade *to, ap_input_mode_t mode, apr_read_type_e block,
                         apr_off_t most)
{
  apr_bucket_brigade *kept = (apr_bucket_brigade *)f->ctx;
  apr_bucket *end;
  apr_status_t status;
  if (APR_BRIGADE_EMPTY(kept)) {
    ap_remove_input_filter(f);
    return ap_get_brigade(f->next, to, mode, block, most);
  }
  if (mode == AP_MODE_GETLINE)
    return apr_brigade_split_line(to, kept, block, HUGE_STRING_LEN);
  if (mode != AP_MODE_READBYTES)
    return APR_ENOTIMPL;
  status = apr_brigade_partition(kept, most, &end);
  if (status != APR_SUCCESS && status != APR_INCOMPLETE)
    return status;
  while (APR_BRIGADE_FIRST(kept) != end && !APR_BRIGADE_EMPTY(kept)) {
    apr_bucket *bucket = APR_BRIGADE_FIRST(kept);
    APR_BUCKET_REMOVE(bucket);
    APR_BRIGADE_INSERT_TAIL(to, bucket);
  }
  return APR_SUCCESS;
}

/* Of the insert_filter hook: before each handler, since a redirect drops the filters of the request before it. */
void authchain_give_body_back(request_rec *r)
{
  const struct authchain_visit *visit =
    (const struct authchain_visit *)ap_get_module_config(r->request_config, &authchain_module);
  if (r->main == NULL && visit != NULL && visit->all->body != NULL && !APR_BRIGADE_EMPTY(visit->all->body))
    ap_add_input_filter_handle(filter, visit->all->body, r, r->connection);
}

void authchain_body_register(void)
{
  filter = ap_register_input_filter("AUTHCHAIN_BODY", give, NULL, AP_FTYPE_RESOURCE);
}
