print("house")
