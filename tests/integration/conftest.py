from fakes.shop_fixtures import client, erp, running_shop, shop

__all__ = ["client", "erp", "running_shop", "shop"]
