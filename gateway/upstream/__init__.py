"""The ERP side: connections, pools of servers, health, and the credentials that an ERP expects."""
