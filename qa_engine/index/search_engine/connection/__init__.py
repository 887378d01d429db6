"""Requests to a search engine, OpenSearch or Elasticsearch: nodes, credentials, bulks, outages and refusals."""
