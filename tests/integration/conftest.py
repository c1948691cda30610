from fakes.odoo_site import running_odoo_site, site
from fakes.shop_fixtures import client, erp, running_shop, shop

__all__ = ["client", "erp", "running_odoo_site", "running_shop", "shop", "site"]
